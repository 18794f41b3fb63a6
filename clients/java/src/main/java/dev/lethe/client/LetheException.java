package dev.lethe.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** A call that the server refused, or that did not reach it. The message names the field and what to do. */
public final class LetheException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Status.Code code;

  public LetheException(Status.Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  static LetheException of(StatusRuntimeException e) {
    Status status = e.getStatus();
    String description = status.getDescription();
    Throwable cause = status.getCause();
    // gRPC calls every failure of the connection "io exception"; what failed is in the cause.
    if (cause != null && cause.getMessage() != null && (description == null || description.equals("io exception"))) {
      description = cause.getMessage();
    }
    return new LetheException(status.getCode(), description == null ? "no description" : description, e);
  }

  /** The gRPC status code, for example INVALID_ARGUMENT or NOT_FOUND. */
  public Status.Code code() {
    return code;
  }

  /** {@code CODE: message}, in one line. */
  @Override
  public String toString() {
    return code + ": " + getMessage().replace('\n', ' ');
  }
}
