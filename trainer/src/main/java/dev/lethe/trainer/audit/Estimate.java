package dev.lethe.trainer.audit;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A figure with the interval that it lies in at 95 % confidence, by the percentile bootstrap over images (Efron 1979).
 */
public record Estimate(double value, double low, double high) {

  private static final int RESAMPLES = 1000;

  /** The mean of one value for each image. */
  static Estimate mean(double[] values, long seed) {
    return of(values.length, seed, chosen -> Arrays.stream(chosen).mapToDouble(i -> values[i]).average().orElse(0));
  }

  /** The share of images for which something holds. */
  static Estimate share(boolean[] holds, long seed) {
    return mean(IntStream.range(0, holds.length).mapToDouble(i -> holds[i] ? 1 : 0).toArray(), seed);
  }

  /**
   * Any figure of a group of images.
   *
   * @param size images in the group, 1 or more
   * @param figure of the images at some indices, repeated ones included
   */
  static Estimate of(int size, long seed, ToDoubleFunction<int[]> figure) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] resampled = new double[RESAMPLES];
    for (int i = 0; i < RESAMPLES; i++) {
      resampled[i] = figure.applyAsDouble(random.ints(size, 0, size).toArray());
    }
    Arrays.sort(resampled);
    return new Estimate(figure.applyAsDouble(IntStream.range(0, size).toArray()),
        resampled[(int) (0.025 * RESAMPLES)], resampled[(int) (0.975 * RESAMPLES) - 1]);
  }
}
