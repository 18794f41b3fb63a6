package dev.lethe.trainer.metrics;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.trainer.data.ImageDataset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What a discriminator says of images, which membership inference goes by. */
public final class DiscriminatorScores implements AutoCloseable {

  private static final int BATCH = 128;

  private final Networks config;
  private final InferenceSession session;

  private DiscriminatorScores(Networks config, InferenceSession session) {
    this.config = config;
    this.session = session;
  }

  public static DiscriminatorScores open(Networks config, Map<String, Tensor> weights, Compute compute) {
    Graph g = new Graph("discriminator");
    Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
    Value c = config.conditional() ? g.input("c", Shapes.FREE, config.classes()) : null;
    g.output("logits", config.logits(g, image, c));
    return new DiscriminatorScores(config, InferenceSession.open(OnnxWriter.inference(g, weights), compute));
  }

  /** One logit an image, in order. Images are compared within groups of their own data set only. */
  public float[] of(ImageDataset images) {
    return of(images.images(), images.classIndices());
  }

  /**
   * One logit an image, in order.
   *
   * @param images [N, C, H, W], compared with one another only
   * @param labels class of each; of an unconditional model they do not matter
   */
  public float[] of(Tensor images, int[] labels) {
    float[] scores = new float[labels.length];
    for (int from = 0; from < labels.length; from += BATCH) {
      int n = Math.min(BATCH, labels.length - from);
      int[] indices = new int[config.wholeGroups(n)];
      for (int i = 0; i < indices.length; i++) {
        // The last group is filled up with images from the start.
        indices[i] = i < n ? from + i : (i - n) % labels.length;
      }
      Map<String, Tensor> inputs = new HashMap<>();
      inputs.put("image", images.rows(indices));
      if (config.conditional()) {
        inputs.put("c", Tensor.oneHot(Arrays.stream(indices).map(i -> labels[i]).toArray(), config.classes()));
      }
      float[] logits = session.run(inputs).get("logits").data();
      System.arraycopy(Arrays.copyOf(logits, n), 0, scores, from, n);
    }
    return scores;
  }

  @Override
  public void close() {
    session.close();
  }
}
