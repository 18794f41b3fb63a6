package dev.lethe.trainer.features;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.rsqrt;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Value;

/**
 * Distance of images in feature space: E ‖φ(a)/‖φ(a)‖ − φ(b)/‖φ(b)‖‖², in [0, 4]. The features are of unit length, as in
 * LPIPS (Zhang et al. 2018, eq. 1), so that its weight does not depend on the scale of φ.
 */
public final class PerceptualLoss {

  private static final double EPSILON = 1e-8;

  private PerceptualLoss() {}

  /**
   * A scalar.
   *
   * @param image [N, C, H, W]
   * @param directions {@link #directions} of the images to be like
   */
  public static Value between(Graph g, FeatureNetwork network, Value image, Value directions) {
    return mean(reduceSum(square(sub(directions(g, network, image), directions)), 1));
  }

  /** Features of unit length, [N, F]. */
  public static Value directions(Graph g, FeatureNetwork network, Value image) {
    Value features = network.apply(g, image).features();
    return mul(features, rsqrt(add(reduceSum(square(features), 1), EPSILON)));
  }
}
