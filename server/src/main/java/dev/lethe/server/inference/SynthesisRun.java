package dev.lethe.server.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.bundle.ModelCard;
import io.netty.buffer.ByteBufAllocator;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs a synthesis session on buffers of its own: w of each layer in, images out. One batch at a time. */
class SynthesisRun implements AutoCloseable {

  private final GeneratorSessions sessions;
  private final OrtSession synthesis;
  private final TensorBuffer ws;
  private final TensorBuffer images;

  SynthesisRun(GeneratorSessions sessions, int capacity, ByteBufAllocator allocator) {
    this(sessions, sessions.synthesis(), capacity, allocator);
  }

  SynthesisRun(GeneratorSessions sessions, OrtSession synthesis, int capacity, ByteBufAllocator allocator) {
    ModelCard.Network network = sessions.card().network();
    this.sessions = sessions;
    this.synthesis = synthesis;
    this.ws = new TensorBuffer(allocator, capacity, network.numWs(), network.wDim());
    this.images = new TensorBuffer(allocator, capacity, network.channels(), network.resolution(),
        network.resolution());
  }

  /** @param rows [num_ws * w_dim] each */
  void run(List<float[]> rows) throws OrtException {
    run(rows, Map.of());
  }

  /** @param others inputs beside ws, of as many rows */
  final void run(List<float[]> rows, Map<String, TensorBuffer> others) throws OrtException {
    int n = rows.size();
    for (int i = 0; i < n; i++) {
      ws.row(i).put(rows.get(i));
    }
    OnnxTensor out = images.tensor(sessions.environment(), n);
    Map<String, OnnxTensor> inputs = new HashMap<>(Map.of("ws", ws.tensor(sessions.environment(), n)));
    for (Map.Entry<String, TensorBuffer> other : others.entrySet()) {
      inputs.put(other.getKey(), other.getValue().tensor(sessions.environment(), n));
    }
    // The result is in the buffer.
    synthesis.run(inputs, Map.of("image", out)).close();
  }

  /** [C, H, W], about [-1, 1]; valid until the next run. */
  final FloatBuffer image(int index) {
    return images.row(index);
  }

  @Override
  public void close() {
    ws.close();
    images.close();
  }
}
