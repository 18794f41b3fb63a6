package dev.lethe.server.rpc;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.store.StoreException;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;

/** What gRPC says of failures: the one place where the server's own errors become statuses. */
public final class FailureStatus {

  /** How long a refused client should wait, in milliseconds: gRPC's clients that retry keep to it. */
  public static final String RETRY_PUSHBACK = "grpc-retry-pushback-ms";

  private FailureStatus() {}

  /** By the failure or what it was caused by; UNKNOWN of what is neither an error of the domain nor a status. */
  public static Status of(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      // Whoever asks for something that the database is needed for may meet this one.
      DomainException error = at instanceof StoreException store ? store.error()
          : at instanceof DomainException told ? told : null;
      if (error != null) {
        return code(error).toStatus().withDescription(error.getMessage()).withCause(failure);
      }
      if (at instanceof StatusRuntimeException status) {
        return status.getStatus();
      }
    }
    return Status.UNKNOWN.withCause(failure);
  }

  /** The same in one line, for protocols that tell of errors in words; empty of UNKNOWN. */
  public static Optional<String> text(Throwable failure) {
    Status status = of(failure);
    return status.getCode() == Code.UNKNOWN ? Optional.empty()
        : Optional.of(status.getCode() + ": " + status.getDescription());
  }

  /** After what time to try again, if the failure says so. */
  static Optional<Duration> retryAfter(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof Exhausted exhausted) {
        return exhausted.retryAfter();
      }
    }
    return Optional.empty();
  }

  private static Code code(DomainException error) {
    // One branch for each of the sealed class's kinds: FailureStatusTest counts them.
    if (error instanceof DomainException.Invalid) {
      return Code.INVALID_ARGUMENT;
    } else if (error instanceof DomainException.NotFound) {
      return Code.NOT_FOUND;
    } else if (error instanceof DomainException.AlreadyExists) {
      return Code.ALREADY_EXISTS;
    } else if (error instanceof DomainException.Precondition) {
      return Code.FAILED_PRECONDITION;
    } else if (error instanceof DomainException.Unauthenticated) {
      return Code.UNAUTHENTICATED;
    } else if (error instanceof DomainException.PermissionDenied) {
      return Code.PERMISSION_DENIED;
    } else if (error instanceof Exhausted) {
      return Code.RESOURCE_EXHAUSTED;
    } else if (error instanceof DomainException.Unavailable) {
      return Code.UNAVAILABLE;
    } else if (error instanceof DomainException.Cancelled) {
      return Code.CANCELLED;
    }
    return Code.INTERNAL;
  }
}
