package dev.lethe.trainer.metrics;

import dev.lethe.models.graph.Tensor;

/** Distances of pictures by their pixels. */
public final class PixelDistance {

  /** Values between looks whether a limit is reached. */
  private static final int AT_ONCE = 32;

  private PixelDistance() {}

  /**
   * ‖a − b‖² of one picture of each batch.
   *
   * @param a [N, C, H, W]
   * @param i index in {@code a}
   * @param b [M, C, H, W]
   * @param j index in {@code b}
   */
  public static double squared(Tensor a, int i, Tensor b, int j) {
    int size = a.data().length / (int) a.shape()[0];
    return squared(a.data(), i * size, b.data(), j * size, size);
  }

  /**
   * The same if it is below a limit; else any value that is not below the limit. A search for the nearest picture that
   * passes the nearest distance so far takes a fraction of the time.
   */
  public static double squaredBelow(double limit, Tensor a, int i, Tensor b, int j) {
    int size = a.data().length / (int) a.shape()[0];
    double sum = 0;
    for (int k = 0; k < size && sum < limit; k += AT_ONCE) {
      sum += squared(a.data(), i * size + k, b.data(), j * size + k, Math.min(AT_ONCE, size - k));
    }
    return sum;
  }

  /** The same of {@code size} values of each, from an offset on. */
  public static double squared(float[] a, int fromA, float[] b, int fromB, int size) {
    double sum = 0;
    for (int k = 0; k < size; k++) {
      double difference = a[fromA + k] - b[fromB + k];
      sum += difference * difference;
    }
    return sum;
  }
}
