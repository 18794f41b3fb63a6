package dev.lethe.client.tls;

import dev.lethe.client.tls.ServerCertificateException.Fault;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Trusts whom Java's own trust manager trusts, and says of others what is wrong. */
final class ServerTrust extends X509ExtendedTrustManager {

  /** Kinds of subject alternative names. */
  private static final int DNS = 2;
  private static final int ADDRESS = 7;
  private static final int MOST_NAMES = 5;

  private final X509ExtendedTrustManager trusted;
  private final String authorities;

  /**
   * @param trusted decides
   * @param authorities those, in words: "Java trusts", "ca.crt holds (CN=...)"
   */
  ServerTrust(X509ExtendedTrustManager trusted, String authorities) {
    this.trusted = trusted;
    this.authorities = authorities;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String method, SSLEngine engine) throws CertificateException {
    try {
      trusted.checkServerTrusted(chain, method, engine);
    } catch (CertificateException e) {
      throw told(chain, method, engine.getHandshakeSession(), e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String method, Socket socket) throws CertificateException {
    try {
      trusted.checkServerTrusted(chain, method, socket);
    } catch (CertificateException e) {
      throw told(chain, method, null, e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String method) throws CertificateException {
    try {
      trusted.checkServerTrusted(chain, method);
    } catch (CertificateException e) {
      throw told(chain, method, null, e);
    }
  }

  private CertificateException told(X509Certificate[] chain, String method, @Nullable SSLSession session,
      CertificateException refusal) {
    X509Certificate own = chain[0];
    String which = "the server's certificate (" + CertificateNames.of(own) + ") ";
    for (X509Certificate one : chain) {
      String whose = one.equals(own) ? which : which + "hangs on one (" + CertificateNames.of(one) + ") that ";
      try {
        one.checkValidity();
      } catch (CertificateExpiredException e) {
        return new ServerCertificateException(Fault.NOT_VALID_NOW, whose + "was valid until "
            + one.getNotAfter().toInstant() + ", and it is " + now() + " here", refusal);
      } catch (CertificateNotYetValidException e) {
        return new ServerCertificateException(Fault.NOT_VALID_NOW, whose + "is valid from "
            + one.getNotBefore().toInstant() + ", and it is " + now() + " here", refusal);
      }
    }
    try {
      // Without the connection nothing is asked of names.
      trusted.checkServerTrusted(chain, method);
    } catch (CertificateException e) {
      return new ServerCertificateException(Fault.UNTRUSTED, which + "is of none of the authorities that " + authorities,
          refusal);
    }
    return new ServerCertificateException(Fault.OTHER_NAME, which + "is for " + names(own) + (session == null
        ? ", not for the name that it was asked by" : ", not for " + CertificateNames.safe(session.getPeerHost())),
        refusal);
  }

  private static Instant now() {
    return Instant.ofEpochSecond(Instant.now().getEpochSecond());
  }

  private static String names(X509Certificate certificate) {
    try {
      Collection<List<?>> all = certificate.getSubjectAlternativeNames();
      List<String> names = (all == null ? Stream.<List<?>>of() : all.stream())
          .filter(name -> name.get(0) instanceof Integer kind && (kind == DNS || kind == ADDRESS))
          .map(name -> CertificateNames.safe(String.valueOf(name.get(1)))).toList();
      return names.isEmpty() ? "no name at all" : names.stream().limit(MOST_NAMES).collect(Collectors.joining(", "))
          + (names.size() > MOST_NAMES ? " and " + (names.size() - MOST_NAMES) + " more" : "");
    } catch (CertificateParsingException e) {
      return "names that cannot be read";
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String method) throws CertificateException {
    trusted.checkClientTrusted(chain, method);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String method, Socket socket) throws CertificateException {
    trusted.checkClientTrusted(chain, method, socket);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String method, SSLEngine engine) throws CertificateException {
    trusted.checkClientTrusted(chain, method, engine);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return trusted.getAcceptedIssuers();
  }
}
