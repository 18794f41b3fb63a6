package dev.lethe.server.security;

import dev.lethe.server.security.TlsOptions.ClientCertificates;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.KeyManager;
import javax.net.ssl.X509KeyManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server's certificate, and the authorities of its clients', from files that may be replaced at any time. */
public final class Tls {

  private static final Logger LOG = LoggerFactory.getLogger(Tls.class);
  private static final long UPDATE_SECONDS = 10;
  /** Before a certificate expires, it is time to say so. */
  private static final Duration SOON = Duration.ofDays(7);

  private final Vertx vertx;
  private final TlsOptions options;
  private final Consumer<Instant> expiry;

  /** @param expiry told when the certificate that is in use from now on expires */
  public Tls(Vertx vertx, TlsOptions options, Consumer<Instant> expiry) {
    this.vertx = vertx;
    this.options = options;
    this.expiry = expiry;
  }

  /**
   * Reads the files. Blocks.
   *
   * @throws IOException if one cannot be read, or key and certificate do not belong together
   */
  public ServerSSLOptions load() throws IOException {
    PemKeyCertOptions pair = new PemKeyCertOptions()
        .setCertValue(read(options.certificate()))
        .setKeyValue(read(options.key()));
    X509Certificate certificate = check(pair);
    ServerSSLOptions ssl = new ServerSSLOptions()
        .setKeyCertOptions(pair)
        .setUseAlpn(true)
        .setApplicationLayerProtocols(List.of("h2", "http/1.1"));
    if (options.clientCa().isPresent()) {
      Path ca = options.clientCa().get();
      PemTrustOptions trust = new PemTrustOptions().addCertValue(read(ca));
      try {
        trust.getTrustManagerFactory(vertx);
      } catch (Exception e) {
        throw new IOException("tls.client-ca: " + ca + " holds no certificates in PEM: " + e.getMessage(), e);
      }
      ssl.setTrustOptions(trust).setClientAuth(
          options.clients() == ClientCertificates.REQUIRED ? ClientAuth.REQUIRED : ClientAuth.REQUEST);
    }
    expiry.accept(certificate.getNotAfter().toInstant());
    tell(certificate);
    return ssl;
  }

  private void tell(X509Certificate certificate) {
    Instant now = Instant.now();
    Instant from = certificate.getNotBefore().toInstant();
    Instant until = certificate.getNotAfter().toInstant();
    if (now.isAfter(until)) {
      LOG.error("tls.certificate {}: the certificate of {} has expired on {}: clients refuse it; put a new one there",
          options.certificate(), certificate.getSubjectX500Principal(), until);
    } else if (now.isBefore(from)) {
      LOG.error("tls.certificate {}: the certificate of {} is not valid before {}: clients refuse it until then",
          options.certificate(), certificate.getSubjectX500Principal(), from);
    } else if (now.plus(SOON).isAfter(until)) {
      LOG.warn("tls.certificate {}: the certificate of {} expires on {}: put a new one there",
          options.certificate(), certificate.getSubjectX500Principal(), until);
    } else {
      LOG.info("certificate of {}, valid until {}", certificate.getSubjectX500Principal(), until);
    }
  }

  /** Has every change of the files taken over by {@code update}; until then, the old certificates stay in use. */
  public void watch(Function<ServerSSLOptions, Future<?>> update) throws IOException {
    WatchedFiles.watch(vertx, options.files(), options.reload(), () ->
        update.apply(load()).toCompletionStage().toCompletableFuture().get(UPDATE_SECONDS, TimeUnit.SECONDS));
  }

  private static Buffer read(Path file) throws IOException {
    return Buffer.buffer(Files.readAllBytes(file));
  }

  /** The certificate, if the key is its own: with another's, every handshake would fail. */
  private X509Certificate check(PemKeyCertOptions pair) throws IOException {
    String where = "tls.certificate " + options.certificate() + " and tls.key " + options.key();
    try {
      for (KeyManager manager : pair.getKeyManagerFactory(vertx).getKeyManagers()) {
        X509KeyManager keys = (X509KeyManager) manager;
        for (String type : List.of("RSA", "EC", "EdDSA")) {
          String[] aliases = keys.getServerAliases(type, null);
          if (aliases != null) {
            X509Certificate certificate = keys.getCertificateChain(aliases[0])[0];
            if (!belongs(keys.getPrivateKey(aliases[0]), certificate)) {
              throw new IOException(where + " do not belong together");
            }
            return certificate;
          }
        }
      }
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(where + " are no certificate and key in PEM: " + e.getMessage(), e);
    }
    throw new IOException(where + " hold no RSA, EC or EdDSA key with its certificate");
  }

  private static boolean belongs(PrivateKey key, X509Certificate certificate) throws GeneralSecurityException {
    String algorithm = switch (key.getAlgorithm()) {
      case "RSA" -> "SHA256withRSA";
      case "EC" -> "SHA256withECDSA";
      default -> key.getAlgorithm();
    };
    if (!key.getAlgorithm().equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    byte[] message = {1, 2, 3};
    Signature signer = Signature.getInstance(algorithm);
    signer.initSign(key);
    signer.update(message);
    byte[] signature = signer.sign();
    signer.initVerify(certificate.getPublicKey());
    signer.update(message);
    return signer.verify(signature);
  }
}
