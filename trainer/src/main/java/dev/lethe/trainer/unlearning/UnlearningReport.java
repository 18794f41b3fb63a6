package dev.lethe.trainer.unlearning;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What a job found.
 *
 * @param images that were unlearned; of a class, those that the discriminator unlearned
 * @param seconds of inversion, substitutes and cascade: what replaces retraining
 * @param retrainSeconds see {@link RetrainingCost}; empty when the card does not say how the base was trained
 * @param reinversion empty where classes are unlearned without images of them
 * @param diverged the cascade diverged, and an earlier state was kept
 * @param skipped indices of images of the request that were left out
 * @param notes what else is worth knowing, in sentences
 */
public record UnlearningReport(int images, double fakeLabel, int iterations, double seconds,
    OptionalDouble retrainSeconds, Measured before, Measured after, Reinversion reinversion,
    boolean diverged, List<Integer> skipped, List<String> notes) {

  /**
   * Mean errors of inversion.
   *
   * @param unlearnedBefore in the original
   * @param unlearnedAfter in the candidate
   * @param neverSeen of images that the model never saw, in the candidate
   */
  public record Reinversion(OptionalDouble unlearnedBefore, OptionalDouble unlearnedAfter,
      OptionalDouble neverSeen) {}
}
