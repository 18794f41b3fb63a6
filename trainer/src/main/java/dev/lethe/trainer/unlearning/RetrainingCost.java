package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What retraining from scratch would take on this machine now: the base's kimg times the seconds per kimg of a burst of
 * real training steps.
 */
public final class RetrainingCost {

  /** Steps between two applications of R1, so that a burst of as many has exactly one. */
  private static final int INTERVAL = 16;

  private RetrainingCost() {}

  /**
   * Seconds.
   *
   * @param training how the base was trained
   * @param images any images of the model's classes
   */
  public static double seconds(ModelWeights model, ModelCard.Training training, ImageDataset images, Path directory,
      Compute compute) throws IOException {
    AdversarialOptions options = new AdversarialOptions(training.batch(), training.kimg(), 0.001, 0, 1, INTERVAL, 0,
        10, 0, training.seed());
    try (AdversarialTrainer trainer = AdversarialTrainer.open(model.config(), options, images, model.weights(),
        directory,
        compute)) {
      trainer.step(); // The first step allocates.
      double before = trainer.seconds();
      for (int i = 0; i < INTERVAL; i++) {
        trainer.step();
      }
      return (trainer.seconds() - before) / INTERVAL * options.steps();
    }
  }
}
