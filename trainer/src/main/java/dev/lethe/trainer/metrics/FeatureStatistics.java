package dev.lethe.trainer.metrics;

import java.util.Arrays;

/**
 * Running mean and covariance of feature vectors, in double precision, by Welford's update: it does not lose digits
 * where the mean is large beside the deviation. Not safe for use by several threads.
 */
public final class FeatureStatistics {

  private final int features;
  private final double[] mean;
  /** Sum of outer products of deviations; the upper triangle. */
  private final double[][] scatter;
  private long count;

  /**
   * No vectors yet.
   *
   * @param features length F of a vector
   */
  public FeatureStatistics(int features) {
    this.features = features;
    this.mean = new double[features];
    this.scatter = new double[features][features];
  }

  /** The statistics of these vectors, [N, F]. */
  public static FeatureStatistics of(float[] vectors, int features) {
    FeatureStatistics statistics = new FeatureStatistics(features);
    statistics.add(vectors);
    return statistics;
  }

  /**
   * Adds vectors.
   *
   * @param vectors [N, F]
   * @throws IllegalArgumentException if the length is no multiple of F, or a value is not finite; none is added then
   */
  public void add(float[] vectors) {
    if (vectors.length % features != 0) {
      throw new IllegalArgumentException(vectors.length + " values are no vectors of " + features + " features");
    }
    for (int i = 0; i < vectors.length; i++) {
      if (!Float.isFinite(vectors[i])) {
        throw new IllegalArgumentException("feature " + i % features + " of vector " + i / features + " is "
            + vectors[i]);
      }
    }
    double[] deviation = new double[features];
    for (int from = 0; from < vectors.length; from += features) {
      addOne(vectors, from, deviation);
    }
  }

  private void addOne(float[] vectors, int from, double[] deviation) {
    count++;
    for (int i = 0; i < features; i++) {
      deviation[i] = vectors[from + i] - mean[i];
      mean[i] += deviation[i] / count;
    }
    double weight = (count - 1.0) / count;
    for (int i = 0; i < features; i++) {
      double scaled = weight * deviation[i];
      double[] row = scatter[i];
      for (int j = i; j < features; j++) {
        row[j] += scaled * deviation[j];
      }
    }
  }

  /** How many vectors were added. */
  public long count() {
    return count;
  }

  /** The mean, [F]; a fresh array. */
  public double[] mean() {
    return Arrays.copyOf(mean, features);
  }

  /**
   * The unbiased covariance (divided by N - 1), [F][F]; fresh arrays.
   *
   * @throws IllegalStateException if there are fewer than two vectors
   */
  public double[][] covariance() {
    if (count < 2) {
      throw new IllegalStateException("a covariance needs at least 2 vectors; there are " + count);
    }
    double[][] covariance = new double[features][features];
    for (int i = 0; i < features; i++) {
      for (int j = i; j < features; j++) {
        covariance[i][j] = scatter[i][j] / (count - 1);
        covariance[j][i] = covariance[i][j];
      }
    }
    return covariance;
  }
}
