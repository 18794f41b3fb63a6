package dev.lethe.trainer.inversion;

/** Where latents are looked for: all that a client can send of what lies behind the mapping network. */
public enum LatentSpace {

  /** One w for all layers, [w_dim]. */
  W,
  /**
   * A w for each layer, [num_ws, w_dim]; in it a generator draws nearly anything, images that it never saw included.
   */
  W_PLUS
}
