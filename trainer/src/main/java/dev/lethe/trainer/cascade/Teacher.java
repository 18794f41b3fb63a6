package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;

/**
 * What the original networks make of random latents, computed once a job: what the candidate must go on making.
 *
 * @param latents w, [N, w_dim]
 * @param labels class of each; 0 for an unconditional model
 * @param images G0(w), [N, C, H, W]
 * @param directions their features at unit length, [N, F]
 */
public record Teacher(Tensor latents, int[] labels, Tensor images, Tensor directions) {

  /**
   * @param latents w, [N, w_dim]
   * @param labels class of each
   */
  public static Teacher of(ModelWeights model, Tensor latents, int[] labels, Compute compute) {
    Tensor images;
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      images = sampler.images(latents);
    }
    return new Teacher(latents, labels, images,
        PerceptualLoss.directions(model, images, compute));
  }

  int size() {
    return labels.length;
  }
}
