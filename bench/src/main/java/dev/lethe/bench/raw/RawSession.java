package dev.lethe.bench.raw;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * The two graphs of a generator run one after the other on tensors that stay where they are: what a server can reach at
 * best. Batches of one size.
 */
final class RawSession implements AutoCloseable {

  private final OrtSession mapping;
  private final OrtSession synthesis;
  private final Map<String, OnnxTensor> latents = new HashMap<>();
  private final OnnxTensor ws;
  private final OnnxTensor images;
  private final FloatBuffer pixels;

  /**
   * @param batch images in a run
   * @param threads threads inside an operator
   * @param rebuilt whether both are of the graphs that the server makes of the bundle's for this processor
   * @throws IllegalStateException if it makes none
   */
  RawSession(Bundle bundle, ExecutionDevice device, int threads, int batch, boolean rebuilt) throws OrtException {
    NativeRuntime runtime = NativeRuntime.load();
    OrtEnvironment environment = runtime.environment();
    ModelCard card = bundle.card();
    ModelCard.Network network = card.network();
    try (OrtSession.SessionOptions options = runtime.sessionOptions(new Compute(device, threads))) {
      if (rebuilt) {
        ProcessorGraphs graphs = StyleGan2Bundle.forThisProcessor(bundle)
            .orElseThrow(() -> new IllegalStateException("the server makes no graphs of its own of this bundle"));
        mapping = environment.createSession(graphs.mapping().toByteArray(), options);
        ChannelBlock.keep(options);
        synthesis = environment.createSession(graphs.synthesis().toByteArray(), options);
      } else {
        mapping = environment.createSession(bundle.mapping().toString(), options);
        synthesis = environment.createSession(bundle.synthesis().toString(), options);
      }
    }
    FloatBuffer z = floats(batch * network.zDim());
    FloatBuffer psi = floats(batch);
    for (int i = 0; i < batch; i++) {
      z.put(i * network.zDim(), NumpyRandom.normal(i, network.zDim()));
      psi.put(i, 1);
    }
    latents.put("z", OnnxTensor.createTensor(environment, z, new long[] {batch, network.zDim()}));
    latents.put("psi", OnnxTensor.createTensor(environment, psi, new long[] {batch, 1}));
    if (card.conditional()) {
      int classes = card.labels().size();
      FloatBuffer c = floats(batch * classes);
      for (int i = 0; i < batch; i++) {
        c.put(i * classes + i % classes, 1);
      }
      latents.put("c", OnnxTensor.createTensor(environment, c, new long[] {batch, classes}));
    }
    ws = OnnxTensor.createTensor(environment, floats(batch * network.numWs() * network.wDim()),
        new long[] {batch, network.numWs(), network.wDim()});
    pixels = floats(batch * network.channels() * network.resolution() * network.resolution());
    images = OnnxTensor.createTensor(environment, pixels,
        new long[] {batch, network.channels(), network.resolution(), network.resolution()});
  }

  private static FloatBuffer floats(int length) {
    return ByteBuffer.allocateDirect(length * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /** @return [batch, C, H, W], overwritten by the next run */
  FloatBuffer run() throws OrtException {
    mapping.run(latents, Map.of("ws", ws)).close();
    synthesis.run(Map.of("ws", ws), Map.of("image", images)).close();
    return pixels;
  }

  @Override
  public void close() throws OrtException {
    latents.values().forEach(OnnxTensor::close);
    ws.close();
    images.close();
    mapping.close();
    synthesis.close();
  }
}
