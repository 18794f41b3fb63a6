package dev.lethe.server.unlearning;

import java.util.Map;

/**
 * Whether requests that wait for a model are carried out by one run.
 *
 * @param all of models that have no rule of their own
 * @param own by model
 */
public record MergeRules(boolean all, Map<String, Boolean> own) {

  /** Each is carried out by itself. */
  public static final MergeRules OFF = new MergeRules(false, Map.of());

  public MergeRules {
    own = Map.copyOf(own);
  }

  boolean merges(String model) {
    return own.getOrDefault(model, all);
  }
}
