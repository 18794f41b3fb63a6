package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.sampling.Sampler;
import java.util.SplittableRandom;

/**
 * What the original generator makes of random latents, computed once a job: what the candidate must go on making.
 *
 * @param latents w, [N, w_dim]
 * @param labels class of each
 * @param images G0(w), [N, C, H, W]
 * @param directions their features at unit length, [N, F]
 */
record Teacher(Tensor latents, int[] labels, Tensor images, Tensor directions) {

  /** @param labels class of each image to make */
  static Teacher of(ModelWeights model, int[] labels, long seed, ExecutionDevice device, int threads) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), device, threads)) {
      Tensor latents = sampler.latents(labels, new SplittableRandom(seed));
      Tensor images = sampler.images(latents);
      Tensor directions =
          PerceptualLoss.directions(model.features(), model.weights(), images, device, threads);
      return new Teacher(latents, labels, images, directions);
    }
  }

  int size() {
    return labels.length;
  }
}
