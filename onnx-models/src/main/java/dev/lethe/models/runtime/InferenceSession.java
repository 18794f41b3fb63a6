package dev.lethe.models.runtime;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.graph.Tensor;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs one model on float tensors. Thread-safe, as ONNX Runtime's own sessions are. */
public final class InferenceSession implements AutoCloseable {

  private final OrtEnvironment environment;
  private final OrtSession session;

  private InferenceSession(OrtEnvironment environment, OrtSession session) {
    this.environment = environment;
    this.session = session;
  }

  /**
   * @throws InferenceException if ONNX Runtime refuses the model
   */
  public static InferenceSession open(ModelProto model, Compute compute) {
    return open(compute, (environment, options) -> environment.createSession(model.toByteArray(), options));
  }

  /** The same for a model file. */
  public static InferenceSession open(Path model, Compute compute) {
    return open(compute, (environment, options) -> environment.createSession(model.toString(), options));
  }

  /** The same for a model in blocks of channels, on the processor. */
  public static InferenceSession openBlocked(ModelProto model, int threads) {
    return open(Compute.cpu(threads), (environment, options) -> {
      ChannelBlock.keep(options);
      return environment.createSession(model.toByteArray(), options);
    });
  }

  private interface Opening {
    OrtSession open(OrtEnvironment environment, OrtSession.SessionOptions options) throws OrtException;
  }

  private static InferenceSession open(Compute compute, Opening opening) {
    NativeRuntime runtime = NativeRuntime.load();
    try (OrtSession.SessionOptions options = runtime.sessionOptions(compute)) {
      return new InferenceSession(runtime.environment(), opening.open(runtime.environment(), options));
    } catch (OrtException e) {
      throw new InferenceException("ONNX Runtime does not load this model: " + e.getMessage(), e);
    }
  }

  /**
   * Computes every output.
   *
   * @param inputs by name, all of them
   * @throws InferenceException if an input does not fit, or the run fails
   */
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    Map<String, OnnxTensor> feeds = new HashMap<>();
    try {
      for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
        feeds.put(input.getKey(), OnnxTensor.createTensor(environment, FloatBuffer.wrap(input.getValue().data()),
            input.getValue().shape()));
      }
      try (OrtSession.Result result = session.run(feeds)) {
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        for (Map.Entry<String, OnnxValue> output : result) {
          outputs.put(output.getKey(), read((OnnxTensor) output.getValue()));
        }
        return outputs;
      }
    } catch (OrtException e) {
      throw new InferenceException("ONNX Runtime does not run this model: " + e.getMessage(), e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  private static Tensor read(OnnxTensor tensor) {
    FloatBuffer buffer = tensor.getFloatBuffer();
    float[] data = new float[buffer.remaining()];
    buffer.get(data);
    return new Tensor(tensor.getInfo().getShape(), data);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new InferenceException("ONNX Runtime does not close this session: " + e.getMessage(), e);
    }
  }

  /** A model that does not load or run. */
  public static final class InferenceException extends RuntimeException {
    private static final long serialVersionUID = 1;

    InferenceException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
