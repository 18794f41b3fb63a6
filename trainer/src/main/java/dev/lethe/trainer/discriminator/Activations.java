package dev.lethe.trainer.discriminator;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Labelled images as the original discriminator sees them. Unlearning leaves its stem as it is, so that this is
 * computed once a job, not once a step.
 *
 * @param values what its stem makes of each, [N, C, 8, 8]
 * @param labels class of each; of an unconditional model 0
 * @param judgements what it says of each, [N, 1]
 */
record Activations(Tensor values, int[] labels, Tensor judgements) {

  private static final int BATCH = 128;

  /** Computes them. */
  static final class Original implements AutoCloseable {

    private final Networks config;
    private final InferenceSession session;

    private Original(Networks config, InferenceSession session) {
      this.config = config;
      this.session = session;
    }

    static Original open(Networks config, Map<String, Tensor> weights, Compute compute) {
      Graph g = new Graph("original");
      Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
      Value c = config.conditional() ? g.input("c", Shapes.FREE, config.classes()) : null;
      Value stem = config.stem(g, image);
      g.output("activations", stem);
      g.output("logits", config.head(g, stem, c));
      return new Original(config, InferenceSession.open(OnnxWriter.inference(g, weights), compute));
    }

    /** Of images [N, C, H, W]. */
    Activations of(Tensor images, int[] labels) {
      int n = labels.length;
      Tensor values = null;
      Tensor judgements = Tensor.zeros(n, 1);
      for (int from = 0; from < n; from += BATCH) {
        int here = Math.min(BATCH, n - from);
        // The head judges whole groups: the last one is filled up with images from the start.
        int first = from;
        int[] indices = IntStream.range(0, config.wholeGroups(here))
            .map(i -> i < here ? first + i : (i - here) % n).toArray();
        Map<String, Tensor> inputs = new HashMap<>(Map.of("image", images.rows(indices)));
        if (config.conditional()) {
          inputs.put("c", Tensor.oneHot(Arrays.stream(indices).map(i -> labels[i]).toArray(), config.classes()));
        }
        Map<String, Tensor> outputs = session.run(inputs);
        Tensor activations = outputs.get("activations");
        if (values == null) {
          long[] shape = activations.shape().clone();
          shape[0] = n;
          values = Tensor.zeros(shape);
        }
        int length = activations.data().length / indices.length;
        System.arraycopy(activations.data(), 0, values.data(), from * length, here * length);
        System.arraycopy(outputs.get("logits").data(), 0, judgements.data(), from, here);
      }
      return new Activations(values, labels, judgements);
    }

    @Override
    public void close() {
      session.close();
    }
  }

  int size() {
    return labels.length;
  }
}
