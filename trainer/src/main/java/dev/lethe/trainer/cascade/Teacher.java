package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;

/**
 * What the original networks make of random latents, computed once a job: what the candidate must go on making, and
 * what the discriminator thinks of it.
 *
 * @param latents w, [N, w_dim]
 * @param labels class of each; 0 for an unconditional model
 * @param images G0(w), [N, C, H, W]
 * @param directions their features at unit length, [N, F]
 * @param judgements D0(G0(w)), [N, 1]
 */
public record Teacher(Tensor latents, int[] labels, Tensor images, Tensor directions, Tensor judgements) {

  /**
   * @param latents w, [N, w_dim]
   * @param labels class of each
   */
  public static Teacher of(ModelWeights model, Tensor latents, int[] labels, ExecutionDevice device, int threads) {
    Tensor images;
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), device, threads)) {
      images = sampler.images(latents);
    }
    float[] judgements;
    try (DiscriminatorScores scores =
        DiscriminatorScores.open(model.config(), model.weights(), device, threads)) {
      judgements = scores.of(images, labels);
    }
    return new Teacher(latents, labels, images,
        PerceptualLoss.directions(model.features(), model.weights(), images, device, threads),
        Tensor.of(judgements, judgements.length, 1));
  }

  /** What the original discriminator says of these images. */
  public Judgements judged() {
    return new Judgements(labels, judgements.data());
  }

  int size() {
    return labels.length;
  }
}
