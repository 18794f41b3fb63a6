package dev.lethe.trainer.discriminator;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.model.ModelWeights;

/**
 * What the original discriminator says of some images.
 *
 * @param labels class of each image; 0 for an unconditional model
 * @param logits its answer to each
 */
public record Logits(int[] labels, float[] logits) {

  /** @param images [N, C, H, W] */
  public static Logits of(ModelWeights model, Tensor images, int[] labels, Compute compute) {
    try (DiscriminatorScores scores =
        DiscriminatorScores.open(model.config(), model.weights(), compute)) {
      return new Logits(labels, scores.of(images, labels));
    }
  }
}
