package dev.lethe.server.openinference;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** What clients are told whose requests cannot be followed. */
final class Refusal {

  private Refusal() {}

  /** INVALID_ARGUMENT. */
  static StatusRuntimeException invalid(String description) {
    return Status.INVALID_ARGUMENT.withDescription(description).asRuntimeException();
  }
}
