package dev.lethe.client.tls;

import java.security.cert.X509Certificate;

/** Certificates in messages: whose, and by whom. What they say comes from outside: it is bounded, and of one line. */
final class CertificateNames {

  private static final int MOST = 120;

  private CertificateNames() {}

  /** {@code CN=localhost, by CN=Our authority}. */
  static String of(X509Certificate certificate) {
    String subject = safe(certificate.getSubjectX500Principal().getName());
    String issuer = safe(certificate.getIssuerX500Principal().getName());
    return subject.equals(issuer) ? subject + ", by itself" : subject + ", by " + issuer;
  }

  static String safe(String text) {
    String clean = text.replaceAll("\\p{C}", "?");
    return clean.length() <= MOST ? clean : clean.substring(0, MOST) + "...";
  }
}
