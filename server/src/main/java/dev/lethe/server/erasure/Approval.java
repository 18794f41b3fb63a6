package dev.lethe.server.erasure;

import java.time.Instant;

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
}
