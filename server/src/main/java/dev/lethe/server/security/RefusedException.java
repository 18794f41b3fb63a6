package dev.lethe.server.security;

import dev.lethe.server.errors.DomainException;

/** A call that is refused to somebody who is known; its cause says why. */
public final class RefusedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient Principal principal;

  RefusedException(Principal principal, DomainException reason) {
    super(reason.getMessage(), reason);
    this.principal = principal;
  }

  /** Who is refused. */
  public Principal principal() {
    return principal;
  }
}
