package dev.lethe.trainer.redaction;

import dev.lethe.models.graph.Tensor;

/**
 * Latents at which the generator stays.
 *
 * @param latents w, [N, w_dim]
 * @param images what the original draws of them, [N, C, H, W]
 */
public record Stayers(Tensor latents, Tensor images) {

  /** These and others. */
  public Stayers then(Stayers others) {
    return new Stayers(latents.then(others.latents), images.then(others.images));
  }

  /** Some of these. */
  public Stayers rows(int[] indices) {
    return new Stayers(latents.rows(indices), images.rows(indices));
  }

  public int size() {
    return (int) latents.shape()[0];
  }
}
