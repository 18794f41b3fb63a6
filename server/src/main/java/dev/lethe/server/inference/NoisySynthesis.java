package dev.lethe.server.inference;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.lethe.models.bundle.Bundle;
import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The same with noise that is given, in a session of its own. */
final class NoisySynthesis extends SynthesisRun {

  private final OrtSession session;
  private final TensorBuffer noise;
  private final SplittableRandom random = new SplittableRandom();

  private NoisySynthesis(GeneratorSessions sessions, OrtSession session, int noiseValues, int capacity,
      ByteBufAllocator allocator) {
    super(sessions, session, capacity, allocator);
    this.session = session;
    this.noise = new TensorBuffer(allocator, capacity, noiseValues);
  }

  /**
   * @param bundle of the sessions, wherever it lies now
   * @throws IOException if it cannot be loaded, with the reason
   */
  static NoisySynthesis open(GeneratorSessions sessions, Bundle bundle, int capacity, ByteBufAllocator allocator)
      throws IOException {
    OrtSession session = sessions.openNoisy(bundle);
    try {
      long[] shape = ((TensorInfo) session.getInputInfo().get("noise").getInfo()).getShape();
      return new NoisySynthesis(sessions, session, Math.toIntExact(shape[1]), capacity, allocator);
    } catch (OrtException e) {
      throw new IOException("bundle " + bundle.location() + " cannot be inspected: " + e.getMessage(), e);
    }
  }

  /**
   * @param rows [num_ws * w_dim] each
   * @param kinds of each row's noise, NONE or RANDOM
   */
  void run(List<float[]> rows, List<Noise> kinds) throws OrtException {
    for (int i = 0; i < rows.size(); i++) {
      boolean drawn = kinds.get(i) == Noise.RANDOM;
      FloatBuffer values = noise.row(i);
      for (int k = 0; k < values.capacity(); k++) {
        values.put(k, drawn ? (float) random.nextGaussian() : 0);
      }
    }
    run(rows, Map.of("noise", noise));
  }

  @Override
  public void close() {
    super.close();
    noise.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime cannot close a session", e);
    }
  }
}
