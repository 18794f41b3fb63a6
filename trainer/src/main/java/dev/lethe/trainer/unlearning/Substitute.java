package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;

/**
 * Chooses the latent w_s whose picture S(x_u) = G0(w_s) takes the place of an unlearned image (arXiv 2308.09881, section
 * 4.1, substitution mechanism).
 */
public interface Substitute {

  /**
   * Latents of the substitutes.
   *
   * @param unlearned w_u of the images to unlearn, [N, w_dim]
   * @param labels class of each; all 0 for an unconditional model
   * @param statistics of the original model
   * @return w_s, [N, w_dim]
   */
  Tensor latents(Tensor unlearned, int[] labels, WStatistics statistics);
}
