package dev.lethe.server.inference;

/** What one image is made from. */
public sealed interface Latent {

  /** Of psi. */
  float LARGEST_PSI = 2;

  /**
   * @param z [z_dim]
   * @param classIndex ignored by unconditional models
   * @param psi truncation, 0 to {@value #LARGEST_PSI}
   */
  record Z(float[] z, int classIndex, float psi) implements Latent {}

  /** @param ws [num_ws * w_dim], one w for each layer */
  record W(float[] ws) implements Latent {}
}
