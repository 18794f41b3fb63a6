package dev.lethe.bench.device;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** A synthesis network that can also be run without its images leaving the device: their mean is an output, too. */
final class SynthesisSession implements AutoCloseable {

  private static final String MEAN = "mean";

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final StyleGan2Config config;

  /** @param profile prefix of the file that ONNX Runtime writes a profile to; null for none */
  SynthesisSession(ModelProto model, StyleGan2Config config, ExecutionDevice device, int threads, Path profile)
      throws OrtException {
    NativeRuntime runtime = NativeRuntime.load();
    this.environment = runtime.environment();
    this.config = config;
    try (OrtSession.SessionOptions options = runtime.sessionOptions(new Compute(device, threads))) {
      if (profile != null) {
        options.enableProfiling(profile.toString());
      }
      session = environment.createSession(withMean(model).toByteArray(), options);
    }
  }

  private static ModelProto withMean(ModelProto model) {
    GraphProto.Builder graph = model.getGraph().toBuilder()
        .addNode(NodeProto.newBuilder().setOpType("ReduceMean").setName(MEAN).addInput("image").addOutput(MEAN))
        .addOutput(ValueInfoProto.newBuilder().setName(MEAN).setType(TypeProto.newBuilder().setTensorType(
            TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT.getNumber()))));
    return model.toBuilder().setGraph(graph).build();
  }

  /** Inputs and outputs of one size, in memory that stays. */
  Batch batch(int images) throws OrtException {
    return new Batch(images);
  }

  /** Where ONNX Runtime wrote the profile, which ends with this. */
  Path endProfiling() throws OrtException {
    return Path.of(session.endProfiling());
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }

  /** A batch of random w. */
  final class Batch implements AutoCloseable {

    private final OnnxTensor ws;
    private final OnnxTensor images;

    private Batch(int count) throws OrtException {
      SplittableRandom random = new SplittableRandom(count);
      FloatBuffer values = floats((long) count * config.numWs() * config.wDim());
      for (int i = 0; i < values.capacity(); i++) {
        values.put(i, (float) random.nextGaussian());
      }
      ws = OnnxTensor.createTensor(environment, values, new long[] {count, config.numWs(), config.wDim()});
      images = OnnxTensor.createTensor(environment,
          floats((long) count * config.channels() * config.resolution() * config.resolution()),
          new long[] {count, config.channels(), config.resolution(), config.resolution()});
    }

    /** Images stay on the device. */
    float mean() throws OrtException {
      try (OrtSession.Result result = session.run(Map.of("ws", ws), Set.of(MEAN))) {
        return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
      }
    }

    /** Images come into Java's memory. */
    void images() throws OrtException {
      session.run(Map.of("ws", ws), Set.of(), Map.of("image", images)).close();
    }

    @Override
    public void close() {
      ws.close();
      images.close();
    }
  }

  private static FloatBuffer floats(long count) {
    return ByteBuffer.allocateDirect(Math.toIntExact(count * Float.BYTES)).order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
