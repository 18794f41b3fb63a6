package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;

/**
 * What moves.
 *
 * @param latents w that draw the images in the original, [M, w_dim]
 * @param images x, [N, C, H, W]
 * @param substitutes s, what the generator shall draw in place of each image, [N, C, H, W]
 * @param imageOf index of the image of each latent
 */
public record Movers(Tensor latents, Tensor images, Tensor substitutes, int[] imageOf) {

  public Movers {
    if (latents.shape()[0] != imageOf.length) {
      throw new IllegalArgumentException(latents.shape()[0] + " latents draw " + imageOf.length + " images");
    }
  }
}
