package dev.lethe.trainer.unlearning;

import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.metrics.FeatureStatistics;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Guards a run against unlearning too much: on the way it measures how far samples have moved from what must stay, on a
 * smaller sample than the report's.
 */
final class Guard {

  /**
   * What was measured of a state.
   *
   * @param aucLu empty of a model without a discriminator
   * @param fidLIncrease by how much FID_l has risen, as a share of the original's
   */
  record Values(OptionalDouble aucLu, double fidL, double fidLIncrease) {}

  private static final int SAMPLES = 512;

  private final UnlearningRequest.Bounds bounds;
  private final ModelWeights original;
  private final ImageDataset unlearned;
  private final ImageDataset learned;
  private final FeatureStatistics learnedFeatures;
  private final int[] labels;
  private final long seed;
  private final double fidLBefore;
  private final Compute compute;

  /** @param learned images that must stay */
  Guard(UnlearningRequest.Bounds bounds, ModelWeights original, ImageDataset unlearned, ImageDataset learned, long seed,
      Compute compute) {
    this.bounds = bounds;
    this.original = original;
    this.unlearned = unlearned;
    this.learned = learned;
    this.seed = seed;
    this.compute = compute;
    this.labels = IntStream.range(0, SAMPLES).map(i -> learned.label(i % learned.size())).toArray();
    try (FeatureExtractor extractor = extractor()) {
      this.learnedFeatures =
          statistics(extractor.run(learned));
      this.fidLBefore = fidL(original, extractor);
    }
  }

  Values measure(ModelWeights candidate) {
    OptionalDouble auc = OptionalDouble.empty();
    if (candidate.hasDiscriminator()) {
      try (DiscriminatorScores scores =
          DiscriminatorScores.open(candidate.config(), candidate.weights(), compute)) {
        auc = OptionalDouble.of(RocAuc.of(scores.of(learned), scores.of(unlearned)));
      }
    }
    try (FeatureExtractor extractor = extractor()) {
      double fidL = fidL(candidate, extractor);
      return new Values(auc, fidL, fidL / fidLBefore - 1);
    }
  }

  /** Whether samples are still near enough to what must stay. */
  boolean admits(Values values) {
    return values.fidLIncrease() <= bounds.maxFidLIncrease();
  }

  /** Why it is not. */
  String objection(Values values) {
    return String.format(Locale.ROOT, "on a small sample FID_l had risen by %.1f %%, and max_fid_l_increase allows "
        + "%.1f %%", 100 * values.fidLIncrease(), 100 * bounds.maxFidLIncrease());
  }

  UnlearningRequest.Bounds bounds() {
    return bounds;
  }

  private double fidL(ModelWeights model, FeatureExtractor extractor) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      return FrechetDistance.between(
          statistics(extractor.run(sampler.images(labels, new SplittableRandom(seed)))), learnedFeatures);
    }
  }

  private static FeatureStatistics statistics(FeatureExtractor.Outputs outputs) {
    return FeatureStatistics.of(outputs.features().data(), outputs.width());
  }

  private FeatureExtractor extractor() {
    return FeatureExtractor.open(original, compute);
  }
}
