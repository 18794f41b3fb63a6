package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.DiscriminatorUnlearning;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.session.ComputeCost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The discriminator's unlearning: by a budget of its own, and not at all where it does not tell the images from ones
 * that it never saw to begin with.
 *
 * @param original the model
 * @param directory for a training session's files
 */
record DiscriminatorRun(ModelWeights original, long seed, Path directory, Compute compute) {

  /** How far from 0.5 an AUC may lie that tells nothing. */
  static final double TOLERANCE = 0.05;

  /**
   * What came out.
   *
   * @param weights of what changed; empty where nothing did
   */
  record Result(Map<String, Tensor> weights, ComputeCost cost, List<String> notes) {}

  /**
   * @param fakeLabels F of each image, [N, 1]
   * @param stay groups of images of which the discriminator goes on saying what it did
   * @param unseen images that it never saw: where it tells these from the images to unlearn no better than chance, it
   *     has nothing to unlearn; empty to unlearn anyway
   */
  Result run(ImageDataset unlearn, Tensor fakeLabels, List<ImageDataset> stay, Optional<ImageDataset> unseen,
      GuardedCascade.Progress progress) throws IOException {
    Optional<Double> before = unseen.map(images -> auc(unlearn, images));
    if (before.isPresent() && Math.abs(before.get() - 0.5) <= TOLERANCE) {
      return new Result(Map.of(), ComputeCost.NONE, List.of(String.format(Locale.ROOT,
          "the discriminator is as it was: it tells the "
          + "images from ones that it never saw with AUC %.2f, which is chance", before.get())));
    }
    DiscriminatorUnlearning.Options options = DiscriminatorUnlearning.Options.of(seed);
    try (DiscriminatorUnlearning unlearning = DiscriminatorUnlearning.open(original, options, unlearn, fakeLabels, stay,
        directory, compute)) {
      for (int step = 1; step <= options.steps(); step++) {
        DiscriminatorUnlearning.Losses losses = unlearning.step();
        if (!losses.finite()) {
          return new Result(Map.of(), unlearning.cost(), List.of("the discriminator's losses were no numbers in step "
              + step + "; it is as it was"));
        }
        progress.iteration(step, options.steps(), new HashMap<>(Map.of("unlearn_d_loss", losses.unlearn(),
            "stay_d_loss", losses.stay())));
      }
      return new Result(unlearning.weights(), unlearning.cost(), List.of());
    }
  }

  private double auc(ImageDataset unlearn, ImageDataset unseen) {
    try (DiscriminatorScores scores =
        DiscriminatorScores.open(original.config(), original.weights(), compute)) {
      return RocAuc.of(scores.of(unlearn), scores.of(unseen));
    }
  }
}
