package dev.lethe.trainer.metrics;

import java.util.Arrays;

/**
 * Area under the ROC curve as the exact rank statistic (Mann and Whitney 1947): the probability that a random positive
 * scores above a random negative, where a tie counts half.
 */
public final class RocAuc {

  private RocAuc() {}

  /**
   * The area under the curve.
   *
   * @param positives scores of positives, at least one; infinite scores are allowed
   * @param negatives scores of negatives, at least one
   * @return in [0, 1]; 1 when every positive is above every negative
   * @throws IllegalArgumentException if a side is empty or a score is NaN
   */
  public static double of(float[] positives, float[] negatives) {
    check("positive", positives);
    check("negative", negatives);
    float[] sorted = negatives.clone();
    Arrays.sort(sorted);
    // Twice the number of pairs in the right order, so that halves stay whole.
    long pairs = 0;
    for (float score : positives) {
      pairs += countBelow(sorted, score) + countUpTo(sorted, score);
    }
    return pairs / (2.0 * positives.length * negatives.length);
  }

  private static void check(String side, float[] scores) {
    if (scores.length == 0) {
      throw new IllegalArgumentException("no " + side + " scores");
    }
    for (int i = 0; i < scores.length; i++) {
      if (Float.isNaN(scores[i])) {
        throw new IllegalArgumentException(side + " score " + i + " is NaN");
      }
    }
  }

  private static int countBelow(float[] sorted, float score) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = low + high >>> 1;
      if (sorted[middle] < score) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static int countUpTo(float[] sorted, float score) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = low + high >>> 1;
      if (sorted[middle] <= score) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
