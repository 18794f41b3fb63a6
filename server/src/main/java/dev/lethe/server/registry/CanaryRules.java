package dev.lethe.server.registry;

import java.time.Duration;
import java.util.Map;

/**
 * Whether, and how, a candidate serves a share of the requests before it is promoted.
 *
 * @param all of models that have no rule of their own
 * @param own by model
 */
public record CanaryRules(Rule all, Map<String, Rule> own) {

  /**
   * One model's.
   *
   * @param share of the requests that name no version, 0 to 1; 0: there is no trial
   * @param calls requests after which the candidate has served enough
   * @param time after which the trial ends, however many they were
   */
  public record Rule(double share, int calls, Duration time) {

    public boolean isOn() {
      return share > 0;
    }
  }

  /** No candidate is tried. */
  public static final CanaryRules OFF = new CanaryRules(new Rule(0, 1, Duration.ZERO), Map.of());

  public CanaryRules {
    own = Map.copyOf(own);
  }

  /** The rule for a model. */
  public Rule of(String model) {
    return own.getOrDefault(model, all);
  }
}
