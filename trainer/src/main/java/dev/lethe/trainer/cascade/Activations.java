package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.util.Arrays;
import java.util.Map;

/**
 * Labelled images as the discriminator's stem sees them. Unlearning leaves the stem as it is, so that this is computed
 * once a job, not once a step.
 *
 * @param values [N, C, 8, 8]
 * @param labels class of each; of an unconditional model 0
 */
record Activations(Tensor values, int[] labels) {

  private static final int BATCH = 128;

  /** Computes them. */
  static final class Stem implements AutoCloseable {

    private final InferenceSession session;

    private Stem(InferenceSession session) {
      this.session = session;
    }

    static Stem open(StyleGan2Config config, Map<String, Tensor> weights, ExecutionDevice device, int threads) {
      Graph g = new Graph("stem");
      Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
      g.output("activations", Discriminator.stem(g, config, image));
      return new Stem(InferenceSession.open(OnnxWriter.inference(g, weights), device, threads));
    }

    /** Of images [N, C, H, W]. */
    Activations of(Tensor images, int[] labels) {
      int n = labels.length;
      Tensor all = null;
      for (int from = 0; from < n; from += BATCH) {
        int to = Math.min(from + BATCH, n);
        Tensor part = session.run(Map.of("image", images.rows(from, to))).get("activations");
        if (all == null) {
          long[] shape = part.shape().clone();
          shape[0] = n;
          all = Tensor.zeros(shape);
        }
        System.arraycopy(part.data(), 0, all.data(), from * (part.data().length / (to - from)), part.data().length);
      }
      return new Activations(all, labels);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  int size() {
    return labels.length;
  }

  /** Values and labels of some of the images. */
  Activations take(int[] indices) {
    return new Activations(values.rows(indices), Arrays.stream(indices).map(i -> labels[i]).toArray());
  }
}
