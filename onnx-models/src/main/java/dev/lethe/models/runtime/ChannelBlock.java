package dev.lethe.models.runtime;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.graph.BlockedOps;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.InferenceSession.InferenceException;
import java.util.Map;
import java.util.OptionalInt;

/**
 * How many channels ONNX Runtime puts into a block on this processor, for graphs of {@link BlockedOps}. It has no call
 * that tells, so it is asked to put some there.
 */
public final class ChannelBlock {

  /** A multiple of all blocks that there are. */
  private static final int CHANNELS = 64;

  private ChannelBlock() {}

  private static final class Holder {
    static final OptionalInt SIZE = find();
  }

  /** Empty where ONNX Runtime does not convolve in blocks. */
  public static OptionalInt size() {
    return Holder.SIZE;
  }

  /** Options of a session for a graph that is in blocks already: the layout is left as it is. */
  public static void keep(OrtSession.SessionOptions options) throws OrtException {
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.EXTENDED_OPT);
  }

  private static OptionalInt find() {
    Graph g = new Graph("channel_block");
    g.output("blocked", BlockedOps.blocked(g.input("x", 1, CHANNELS, 1, 2)));
    Tensor x = Tensor.zeros(1, CHANNELS, 1, 2);
    // The first channel's second pixel comes after the first pixels of a block.
    x.data()[1] = 1;
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1))) {
      float[] blocked = session.run(Map.of("x", x)).get("blocked").data();
      int size = 0;
      while (blocked[size] != 1) {
        size++;
      }
      return size > 1 ? OptionalInt.of(size) : OptionalInt.empty();
    } catch (InferenceException e) {
      // The operators are not there.
      return OptionalInt.empty();
    }
  }
}
