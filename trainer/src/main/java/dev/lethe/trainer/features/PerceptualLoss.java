package dev.lethe.trainer.features;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.rsqrt;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.features.FeatureSpace;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.trainer.model.ModelWeights;
import java.util.Map;

/**
 * Distance of images in feature space: ‖φ(a)/‖φ(a)‖ − φ(b)/‖φ(b)‖‖², in [0, 4]. The features are of unit length, as in
 * LPIPS (Zhang et al. 2018, eq. 1), so that its weight does not depend on the scale of φ.
 */
public final class PerceptualLoss {

  private static final double EPSILON = 1e-8;
  private static final int BATCH = 128;

  private PerceptualLoss() {}

  /**
   * Distance of each image, [N, 1].
   *
   * @param image [N, C, H, W]
   * @param directions {@link #directions} of the images to be like
   */
  public static Value between(Graph g, FeatureSpace network, Value image, Value directions) {
    return reduceSum(square(sub(directions(g, network, image), directions)), 1);
  }

  /** Features of unit length, [N, F]. */
  public static Value directions(Graph g, FeatureSpace network, Value image) {
    Value features = network.apply(g, image).features();
    return mul(features, rsqrt(add(reduceSum(square(features), 1), EPSILON)));
  }

  /** Features of unit length, [N, F], of images [N, C, H, W], which are looked at once. */
  public static Tensor directions(ModelWeights model, Tensor images, Compute compute) {
    try (Directions directions = Directions.open(model, compute)) {
      return directions.of(images);
    }
  }

  /** Features of unit length, in a session that is kept. */
  static final class Directions implements AutoCloseable {

    private final InferenceSession session;
    private final int width;

    private Directions(InferenceSession session, int width) {
      this.session = session;
      this.width = width;
    }

    static Directions open(ModelWeights model, Compute compute) {
      Graph g = new Graph("directions");
      Networks config = model.config();
      Value image = g.input("image", Shapes.FREE, config.channels(), config.resolution(), config.resolution());
      g.output("directions", directions(g, model.features(), image));
      return new Directions(InferenceSession.open(OnnxWriter.inference(g, model.weights()), compute),
          model.features().width());
    }

    /** @param images [N, C, H, W] */
    Tensor of(Tensor images) {
      int n = (int) images.shape()[0];
      Tensor all = Tensor.zeros(n, width);
      for (int from = 0; from < n; from += BATCH) {
        int to = Math.min(from + BATCH, n);
        float[] part = session.run(Map.of("image", images.rows(from, to))).get("directions").data();
        System.arraycopy(part, 0, all.data(), from * width, part.length);
      }
      return all;
    }

    @Override
    public void close() {
      session.close();
    }
  }
}
