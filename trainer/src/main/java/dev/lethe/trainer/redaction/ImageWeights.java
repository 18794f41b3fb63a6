package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.metrics.PixelDistance;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How much each image's latents weigh against those that stay: as much as it takes, within bounds. The generator is to
 * stay as it is subject to drawing each image's substitute rather than the image, and the weights are the multipliers
 * of these constraints, which rise while one is violated and fall while it holds (dual ascent, in its multiplicative
 * form). At first an image weighs the more the nearer its substitute is, since the squared error then says less of the
 * way.
 */
final class ImageWeights {

  /** What counts as drawn no more: a little nearer to the substitute than to the image. */
  private static final double TARGET = 0.6;
  /** Bounds of a weight, as multiples of the first: what it takes to move the last image altogether moves much else. */
  private static final double LEAST = 0.04;
  private static final double MOST = 4;
  /** Bounds of the first weight, as multiples of the one that is asked for. */
  private static final double LEAST_FIRST = 0.5;
  private static final double MOST_FIRST = 8;

  private final double[] first;
  private final double[] factors;

  private ImageWeights(double[] first) {
    this.first = first;
    this.factors = new double[first.length];
    Arrays.fill(factors, 1);
  }

  /**
   * @param images x, [N, C, H, W]
   * @param substitutes s, [N, C, H, W]
   * @param weight of an image whose substitute is as far away as that of the median image
   */
  static ImageWeights of(Tensor images, Tensor substitutes, double weight) {
    double[] squares = IntStream.range(0, (int) images.shape()[0])
        .mapToDouble(i -> PixelDistance.squared(images, i, substitutes, i)).toArray();
    double median = Arrays.stream(squares).sorted().skip(squares.length / 2).findFirst().orElseThrow();
    return new ImageWeights(Arrays.stream(squares).map(square -> square == 0 ? weight
        : weight * Math.max(LEAST_FIRST, Math.min(MOST_FIRST, median / square))).toArray());
  }

  /** By how much each has changed; not copied. */
  double[] factors() {
    return factors;
  }

  /** Goes on from {@link #factors}. */
  void restore(double[] changed) {
    System.arraycopy(changed, 0, factors, 0, factors.length);
  }

  /** Weight of each image, [N]. */
  Tensor of(int[] images) {
    Tensor chosen = Tensor.zeros(images.length);
    for (int i = 0; i < images.length; i++) {
      chosen.data()[i] = (float) (factors[images[i]] * first[images[i]]);
    }
    return chosen;
  }

  /**
   * @param reached squared error from the image of what is drawn, as a share of that and of the one from the
   *     substitute, of each image
   */
  void learn(double[] reached) {
    for (int i = 0; i < factors.length; i++) {
      factors[i] = Math.max(LEAST, Math.min(MOST, factors[i] * Math.exp((TARGET - reached[i]) / 0.5)));
    }
  }
}
