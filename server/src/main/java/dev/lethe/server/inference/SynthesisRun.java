package dev.lethe.server.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.lethe.models.bundle.ModelCard;
import io.netty.buffer.ByteBufAllocator;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;

/** Runs a synthesis session on buffers of its own: w of each layer in, images out. One batch at a time. */
final class SynthesisRun implements AutoCloseable {

  private final GeneratorSessions sessions;
  private final TensorBuffer ws;
  private final TensorBuffer images;

  SynthesisRun(GeneratorSessions sessions, int capacity, ByteBufAllocator allocator) {
    ModelCard.Network network = sessions.card().network();
    this.sessions = sessions;
    this.ws = new TensorBuffer(allocator, capacity, network.numWs(), network.wDim());
    this.images = new TensorBuffer(allocator, capacity, network.channels(), network.resolution(),
        network.resolution());
  }

  /** @param rows [num_ws * w_dim] each */
  void run(List<float[]> rows) throws OrtException {
    int n = rows.size();
    for (int i = 0; i < n; i++) {
      ws.row(i).put(rows.get(i));
    }
    OnnxTensor in = ws.tensor(sessions.environment(), n);
    OnnxTensor out = images.tensor(sessions.environment(), n);
    // The result is in the buffer.
    sessions.synthesis().run(Map.of("ws", in), Map.of("image", out)).close();
  }

  /** [C, H, W], about [-1, 1]; valid until the next run. */
  FloatBuffer image(int index) {
    return images.row(index);
  }

  @Override
  public void close() {
    ws.close();
    images.close();
  }
}
