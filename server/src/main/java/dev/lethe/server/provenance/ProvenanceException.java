package dev.lethe.server.provenance;

import java.io.IOException;

/**
 * A key that cannot be used, a signature that does not hold, a file that is not the one that was signed; says which.
 */
public final class ProvenanceException extends IOException {

  private static final long serialVersionUID = 1;

  public ProvenanceException(String message) {
    super(message);
  }

  public ProvenanceException(String message, Throwable cause) {
    super(message, cause);
  }
}
