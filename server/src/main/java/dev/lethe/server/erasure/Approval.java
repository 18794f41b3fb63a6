package dev.lethe.server.erasure;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Who let a version take requests.
 *
 * @param by the principal; {@link #GATES} where the request's gates decided
 * @param how in a few words
 * @param time when
 */
public record Approval(String by, String how, Instant time) {

  /** Nobody in person. */
  public static final String GATES = "gates";

  /** By the request's gates, now. */
  public static Approval gates() {
    return new Approval(GATES, "the audit's verdict and the request's gates",
        Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }
}
