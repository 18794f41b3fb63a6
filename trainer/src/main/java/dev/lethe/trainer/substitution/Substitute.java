package dev.lethe.trainer.substitution;

import dev.lethe.models.graph.Tensor;

/**
 * Chooses the latent w_s whose picture S(x_u) = G0(w_s) takes the place of what is unlearned (arXiv 2308.09881, section
 * 4.1, substitution mechanism).
 */
public interface Substitute {

  /**
   * Latent of the substitute of one latent.
   *
   * @param w w_u, [w_dim]
   * @param label its class; 0 for an unconditional model
   * @return w_s, [w_dim]
   */
  float[] of(float[] w, int label, RetainedLatents kept);

  /**
   * Latents of the substitutes.
   *
   * @param unlearned w_u, [N, w_dim]
   * @param labels class of each; all 0 for an unconditional model
   * @return w_s, [N, w_dim]
   */
  default Tensor latents(Tensor unlearned, int[] labels, RetainedLatents kept) {
    Tensor substitutes = Tensor.zeros(unlearned.shape());
    for (int i = 0; i < labels.length; i++) {
      float[] w = of(unlearned.rows(i, i + 1).data(), labels[i], kept);
      System.arraycopy(w, 0, substitutes.data(), i * w.length, w.length);
    }
    return substitutes;
  }
}
