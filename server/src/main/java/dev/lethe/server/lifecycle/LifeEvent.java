package dev.lethe.server.lifecycle;

import dev.lethe.server.erasure.Erasure;
import java.time.Instant;

/** A change in the life of a model's versions, as it is written down. */
public sealed interface LifeEvent {

  String model();

  /** Who ordered it: a principal, or a part of the server. */
  String by();

  Instant time();

  /**
   * A version is being promoted; its certificate names where the log stands from here on. Only what is
   * {@link Promoted} after it was.
   */
  record Certified(String model, String version, String by, Instant time) implements LifeEvent {}

  /** A version took requests from which an erasure took something out: all that hold it are retired. */
  record Promoted(Erasure erasure, String by, Instant time) implements LifeEvent {
    @Override
    public String model() {
      return erasure.model();
    }
  }

  /** A version was chosen that is not retired. */
  record Activated(String model, String version, String by, Instant time) implements LifeEvent {}

  /** A retired version was chosen all the same; it is served until another one is chosen. */
  record Overridden(String model, String version, String by, String reason, Instant time) implements LifeEvent {}

  /** A version was retired by order. */
  record Retired(String model, String version, String by, String reason, Instant time) implements LifeEvent {}

  /** A version's files were deleted. */
  record Purged(String model, String version, String by, Instant time) implements LifeEvent {}

  /**
   * An operator confirmed that the version of an erasure is lost: from then on it counts as one that never was.
   *
   * @param erasure its id; or MODEL/VERSION, of a version whose certificate nobody can verify
   */
  record Waived(String model, String erasure, String by, Instant time) implements LifeEvent {}
}
