package dev.lethe.server.unlearning;

import java.util.Map;

/**
 * Who decides whether a candidate that passes its gates is promoted.
 *
 * @param all of models that have no rule of their own
 * @param own by model
 */
public record ApprovalRules(Who all, Map<String, Who> own) {

  /** Either decides alone. */
  public enum Who {
    /** The gates. */
    AUTOMATIC,
    /** An operator, by ApproveJob and RejectJob. */
    OPERATOR
  }

  public ApprovalRules {
    own = Map.copyOf(own);
  }

  boolean asks(String model) {
    return own.getOrDefault(model, all) == Who.OPERATOR;
  }
}
