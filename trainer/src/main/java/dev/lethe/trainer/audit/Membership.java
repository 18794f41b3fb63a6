package dev.lethe.trainer.audit;

import dev.lethe.trainer.metrics.RocAuc;
import java.util.Arrays;

/**
 * Membership inference by reconstruction error (LOGAN's and GAN-Leaks' attack with full access to the generator: Chen
 * et al. 2020, arXiv 1909.03935): an image that the generator draws with less error is taken for one that it was
 * trained on.
 *
 * @param auc probability that an unlearned image is drawn with less error than one never seen; 0.5 tells nothing
 * @param truePositiveRate of the unlearned images, the share that is drawn with less error than all but 1 % of those
 *     never seen (Carlini et al. 2022, arXiv 2112.03570: averages hide the few that are certain)
 */
public record Membership(Estimate auc, Estimate truePositiveRate) {

  private static final double FALSE_POSITIVE_RATE = 0.01;

  /**
   * @param unlearned mean squared error of each unlearned image
   * @param neverSeen of each image that the model never saw
   */
  static Membership of(double[] unlearned, double[] neverSeen, long seed) {
    double[] sorted = neverSeen.clone();
    Arrays.sort(sorted);
    // Below it lie 1 % of the images never seen; with fewer than 100 of them none does.
    double threshold = sorted[(int) (FALSE_POSITIVE_RATE * sorted.length)];
    float[] negatives = scores(neverSeen);
    float[] positives = scores(unlearned);
    return new Membership(
        Estimate.of(unlearned.length, seed, chosen -> RocAuc.of(at(positives, chosen), negatives)),
        Estimate.of(unlearned.length, seed,
            chosen -> Arrays.stream(chosen).filter(i -> unlearned[i] < threshold).count() / (double) chosen.length));
  }

  private static float[] scores(double[] errors) {
    float[] scores = new float[errors.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) -errors[i];
    }
    return scores;
  }

  private static float[] at(float[] values, int[] indices) {
    float[] chosen = new float[indices.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = values[indices[i]];
    }
    return chosen;
  }
}
