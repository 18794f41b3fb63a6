package dev.lethe.server.security;

import dev.lethe.models.bundle.ModelCard;
import java.util.Map;

/**
 * Which latents clients may send for which model.
 *
 * @param latents of models that have no rule of their own
 * @param own by the name of a model; also of models that are not there yet
 */
public record LatentRules(Rule latents, Map<String, Rule> own) {

  /** What the setting may say. */
  public enum Rule {
    /** All; but of a version that unlearning made, not those by which it still draws nearly anything. */
    AUTO, Z, W, W_PLUS;

    private Latents of(boolean unlearned) {
      return switch (this) {
        case AUTO -> unlearned ? Latents.W : Latents.W_PLUS;
        case Z -> Latents.Z;
        case W -> Latents.W;
        case W_PLUS -> Latents.W_PLUS;
      };
    }
  }

  public LatentRules {
    own = Map.copyOf(own);
  }

  /**
   * What this principal may send.
   *
   * @param card of the version that is asked
   */
  public Latents of(ModelCard card, Principal principal) {
    return principal.roles().contains(Role.LATENTS) ? Latents.W_PLUS
        : own.getOrDefault(card.name(), latents).of(card.unlearned());
  }
}
