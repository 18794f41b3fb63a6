package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;

/**
 * Latents at which the generator stays.
 *
 * @param latents w, [N, w_dim]
 * @param images what the original draws of them, [N, C, H, W]
 */
public record Stayers(Tensor latents, Tensor images) {

  int size() {
    return (int) latents.shape()[0];
  }
}
