package dev.lethe.server.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.lethe.models.bundle.ModelCard;
import io.netty.buffer.ByteBufAllocator;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/** Runs a mapping session on buffers of its own: z, psi and class in, w of each layer out. One batch at a time. */
final class MappingRun implements AutoCloseable {

  private final GeneratorSessions sessions;
  private final int rowLength;
  private final TensorBuffer z;
  private final TensorBuffer psi;
  /** One-hot classes; null for unconditional models. */
  private final TensorBuffer c;
  private final TensorBuffer ws;

  MappingRun(GeneratorSessions sessions, int capacity, ByteBufAllocator allocator) {
    ModelCard card = sessions.card();
    ModelCard.Network network = card.network();
    this.sessions = sessions;
    this.rowLength = network.numWs() * network.wDim();
    this.z = new TensorBuffer(allocator, capacity, network.zDim());
    this.psi = new TensorBuffer(allocator, capacity, 1);
    this.c = card.conditional() ? new TensorBuffer(allocator, capacity, card.labels().size()) : null;
    this.ws = new TensorBuffer(allocator, capacity, network.numWs(), network.wDim());
  }

  void run(List<Latent.Z> latents) throws OrtException {
    int n = latents.size();
    for (int i = 0; i < n; i++) {
      Latent.Z latent = latents.get(i);
      z.row(i).put(latent.z());
      psi.row(i).put(latent.psi());
      if (c != null) {
        FloatBuffer oneHot = c.row(i);
        for (int k = 0; k < oneHot.capacity(); k++) {
          oneHot.put(k, k == latent.classIndex() ? 1 : 0);
        }
      }
    }
    OnnxTensor zs = z.tensor(sessions.environment(), n);
    OnnxTensor psis = psi.tensor(sessions.environment(), n);
    Map<String, OnnxTensor> inputs = c == null ? Map.of("z", zs, "psi", psis)
        : Map.of("z", zs, "psi", psis, "c", c.tensor(sessions.environment(), n));
    // The result is in the buffer.
    sessions.mapping().run(inputs, Map.of("ws", ws.tensor(sessions.environment(), n))).close();
  }

  /** A copy of image {@code index}'s w: [num_ws * w_dim]. */
  float[] ws(int index) {
    float[] copy = new float[rowLength];
    ws.row(index).get(copy);
    return copy;
  }

  @Override
  public void close() {
    z.close();
    psi.close();
    if (c != null) {
      c.close();
    }
    ws.close();
  }
}
