package dev.lethe.server.errors;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request is not served, for a reason that its client is told: the message, as it is. One class for each kind of
 * reason; everything else that is thrown is a fault of the server.
 */
public abstract sealed class DomainException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private DomainException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** The request is wrong, whatever the server's state; the message begins with the field. */
  public static final class Invalid extends DomainException {
    private static final long serialVersionUID = 1;

    public Invalid(String message) {
      super(message, null);
    }
  }

  /** What the request names is not there. */
  public static final class NotFound extends DomainException {
    private static final long serialVersionUID = 1;

    public NotFound(String message) {
      super(message, null);
    }
  }

  /** What is to be made is there already, and differs. */
  public static final class AlreadyExists extends DomainException {
    private static final long serialVersionUID = 1;

    public AlreadyExists(String message) {
      super(message, null);
    }
  }

  /** Not in the state that things are in now: the same request may be served once that has changed. */
  public static final class Precondition extends DomainException {
    private static final long serialVersionUID = 1;

    public Precondition(String message) {
      this(message, null);
    }

    public Precondition(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** It is not known who asks. */
  public static final class Unauthenticated extends DomainException {
    private static final long serialVersionUID = 1;

    public Unauthenticated(String message) {
      super(message, null);
    }
  }

  /** Who asks may not. */
  public static final class PermissionDenied extends DomainException {
    private static final long serialVersionUID = 1;

    public PermissionDenied(String message) {
      super(message, null);
    }
  }

  /** A limit is reached: a rate, a queue, a disk. */
  public static final class Exhausted extends DomainException {
    private static final long serialVersionUID = 1;

    private final @Nullable Duration retryAfter;

    public Exhausted(String message) {
      this(message, null, null);
    }

    public Exhausted(String message, @Nullable Throwable cause) {
      this(message, null, cause);
    }

    /** @param retryAfter when there is room again, as far as can be said */
    public Exhausted(String message, Duration retryAfter) {
      this(message, retryAfter, null);
    }

    private Exhausted(String message, @Nullable Duration retryAfter, @Nullable Throwable cause) {
      super(message, cause);
      this.retryAfter = retryAfter;
    }

    /** When to try again, if that can be said. */
    public Optional<Duration> retryAfter() {
      return Optional.ofNullable(retryAfter);
    }
  }

  /** Nobody is served this now: the server ends, a model is unloaded, the database is gone. */
  public static final class Unavailable extends DomainException {
    private static final long serialVersionUID = 1;

    public Unavailable(String message) {
      this(message, null);
    }

    public Unavailable(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Nobody waits for it any more. */
  public static final class Cancelled extends DomainException {
    private static final long serialVersionUID = 1;

    public Cancelled(String message) {
      super(message, null);
    }
  }

  /** The server has failed, in a way that it can tell of. */
  public static final class Failed extends DomainException {
    private static final long serialVersionUID = 1;

    public Failed(String message) {
      this(message, null);
    }

    public Failed(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }
}
