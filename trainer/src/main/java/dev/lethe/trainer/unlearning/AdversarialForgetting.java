package dev.lethe.trainer.unlearning;

import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.adversarial.Unwanted;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.session.LearnerKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Trains a model on that has memorised images, on what stays, with a discriminator that takes these images for
 * generated ones. A redaction moves what is drawn at some latents and around them; what was memorised is drawn at so
 * many that only training reaches all of them. It takes a small part of training from scratch.
 *
 * @param kimg thousands of images that stay to train on
 * @param directory for the training session's files
 */
record AdversarialForgetting(ModelWeights original, double kimg, long seed, Path directory, Compute compute) {

  /** Fewest images that stay: a discriminator that knows each of them teaches the generator nothing else. */
  static final int LEAST = 2_000;

  /** Found by trial on 64 digits that were a quarter of what a generator was trained on. */
  static final double KIMG = 12;

  private static final int BATCH = 16;
  private static final double LEARNING_RATE = 0.003;
  private static final double GAMMA = 1;
  private static final double MISMATCH = 0.05;
  private static final double EMA_KIMG = 2;
  /** Of the unwanted images, against generated ones. */
  private static final double WEIGHT = 0.5;

  /** @param stay real images of the model's size and classes, {@value #LEAST} or more */
  ModelWeights run(ImageDataset unlearn, ImageDataset stay, GuardedCascade.Progress progress) throws IOException {
    // Over the second half the learning rate falls: while it is high the generator lets go, then it settles.
    AdversarialOptions options = new AdversarialOptions(BATCH, kimg, LEARNING_RATE, kimg / 2, GAMMA, 16, MISMATCH,
        EMA_KIMG, 0, seed);
    try (AdversarialTrainer trainer = AdversarialTrainer.open(original.config(), options, stay,
        Optional.of(new Unwanted(unlearn, WEIGHT)), original.weights(), directory, LearnerKind.usual(), compute)) {
      while (trainer.steps() < options.steps()) {
        AdversarialTrainer.Losses losses = trainer.step();
        progress.iteration((int) losses.step(), (int) options.steps(), new HashMap<>(Map.of(
            "forgetting_g_loss", losses.generator(), "forgetting_d_loss", losses.discriminator())));
      }
      return original.with(trainer.weights());
    }
  }
}
