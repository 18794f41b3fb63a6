package dev.lethe.server.security;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** A call that is refused to somebody who is known. */
public final class RefusedException extends StatusRuntimeException {

  private static final long serialVersionUID = 1;

  private final transient Principal principal;

  RefusedException(Principal principal, Status status, Metadata trailers) {
    super(status, trailers);
    this.principal = principal;
  }

  /** Who is refused. */
  public Principal principal() {
    return principal;
  }
}
