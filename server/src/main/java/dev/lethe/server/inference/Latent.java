package dev.lethe.server.inference;

/** What one image is made from. */
public sealed interface Latent {

  /**
   * @param z [z_dim]
   * @param classIndex ignored by unconditional models
   * @param psi truncation, 0 to 2
   */
  record Z(float[] z, int classIndex, float psi) implements Latent {}

  /** @param ws [num_ws * w_dim], one w for each layer */
  record W(float[] ws) implements Latent {}
}
