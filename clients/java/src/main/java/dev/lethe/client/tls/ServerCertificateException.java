package dev.lethe.client.tls;

import java.security.cert.CertificateException;

/** A server's certificate that this client does not take. The message says which certificate, and what does not fit. */
public final class ServerCertificateException extends CertificateException {

  private static final long serialVersionUID = 1L;

  /** What does not fit. */
  public enum Fault {
    /** No authority that is trusted here has signed it. */
    UNTRUSTED,
    /** It is for other names than the one that the server was asked by. */
    OTHER_NAME,
    /** It, or one above it, is not valid now. */
    NOT_VALID_NOW
  }

  private final Fault fault;

  ServerCertificateException(Fault fault, String message, Throwable cause) {
    super(message, cause);
    this.fault = fault;
  }

  public Fault fault() {
    return fault;
  }
}
