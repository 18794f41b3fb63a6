package dev.lethe.server.security;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.PermissionDenied;

/**
 * What clients may send for images to be made from; each takes in those before it. The further one goes, the nearer a
 * generator comes to an image that it never drew of a z: in w+ it draws nearly anything.
 */
public enum Latents {
  /** Seeds and z. */
  Z("seeds and z", "seeds or z"),
  /** One w for all layers. */
  W("one w for all layers", "seeds, z or one w for all layers"),
  /** A w for each layer. */
  W_PLUS("a w for each layer", "seeds, z, one w for all layers or a w for each");

  private final String meaning;
  private final String upToHere;

  Latents(String meaning, String upToHere) {
    this.meaning = meaning;
    this.upToHere = upToHere;
  }

  /**
   * What this is: a w for each layer only if one differs from another.
   *
   * @param ws [num_ws * w_dim], or [w_dim] for the same w in all layers
   * @return W or W_PLUS
   */
  public static Latents of(float[] ws, int wDim) {
    for (int i = wDim; i < ws.length; i++) {
      if (ws[i] != ws[i - wDim]) {
        return W_PLUS;
      }
    }
    return W;
  }

  /** Whether those who may send this may send that. */
  public boolean has(Latents other) {
    return other.compareTo(this) <= 0;
  }

  /**
   * Refuses what goes beyond this.
   *
   * @param sent what a client has sent
   * @param field where
   * @param model for which
   * @throws DomainException PermissionDenied, with what may be sent instead
   */
  public void admit(Latents sent, String field, String model) {
    if (!has(sent)) {
      throw new PermissionDenied(field + ": is " + sent.meaning + ", which the setting latents of model "
          + model + " closes; send " + upToHere + ", or call with the role " + Role.LATENTS);
    }
  }
}
