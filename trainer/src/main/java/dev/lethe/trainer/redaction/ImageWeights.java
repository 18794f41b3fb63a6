package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;
import java.util.Arrays;

/**
 * How much each image's latents weigh against those that stay: as much as it takes, within bounds. The generator is to
 * stay as it is subject to drawing each image's substitute rather than the image, and the weights are the multipliers of
 * these constraints, which rise while one is violated and fall while it holds (dual ascent, in its multiplicative form).
 */
final class ImageWeights {

  /**
   * What counts as drawn no more: the squared error from the image's share of those from image and substitute, where a
   * half is as near to the one as to the other.
   */
  private static final double TARGET = 0.5;
  /** How fast weights change. */
  private static final double RATE = 0.15;
  private static final double LEAST = 0.02;

  private final double[] weights;
  private final double most;

  /**
   * @param first weight to begin with
   * @param most beyond which none grows: latents that follow their image are found again and again, and what it takes to
   *     stop them altogether moves much else
   */
  ImageWeights(int images, double first, double most) {
    this.weights = new double[images];
    this.most = most;
    Arrays.fill(weights, first);
  }

  /** Weight of each image, [N]. */
  Tensor of(int[] images) {
    Tensor chosen = Tensor.zeros(images.length);
    for (int i = 0; i < images.length; i++) {
      chosen.data()[i] = (float) weights[images[i]];
    }
    return chosen;
  }

  /**
   * @param images indices of images whose latents were drawn
   * @param fromSubstitute mean squared error of each drawing from the substitute
   * @param fromImage and from the image
   */
  void learn(int[] images, float[] fromSubstitute, float[] fromImage) {
    for (int i = 0; i < images.length; i++) {
      double both = fromImage[i] + fromSubstitute[i];
      double reached = both > 0 ? fromImage[i] / both : TARGET;
      double factor = Math.exp(RATE * (TARGET - reached) / TARGET);
      weights[images[i]] = Math.max(LEAST, Math.min(most, weights[images[i]] * factor));
    }
  }
}
