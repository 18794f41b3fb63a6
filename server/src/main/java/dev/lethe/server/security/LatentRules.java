package dev.lethe.server.security;

import java.util.Map;

/**
 * Which latents clients may send for which model.
 *
 * @param latents of models that have no rule of their own
 * @param own by the name of a model; also of models that are not there yet
 */
public record LatentRules(Latents latents, Map<String, Latents> own) {

  public LatentRules {
    own = Map.copyOf(own);
  }

  /** What this principal may send for the model of this name. */
  public Latents of(String model, Principal principal) {
    return principal.roles().contains(Role.LATENTS) ? Latents.W_PLUS : own.getOrDefault(model, latents);
  }
}
