package dev.lethe.client.tls;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The PEM files of a client's TLS.
 *
 * @param authorities trusted, and no others; empty: those that Java trusts
 * @param identity shown to the server (mutual TLS)
 */
public record TlsFiles(Optional<Path> authorities, Optional<Identity> identity) {

  private static final Pattern PEM = Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.+?)-----END \\1-----", Pattern.DOTALL);
  private static final String CERTIFICATE = "CERTIFICATE";
  private static final String KEY = "PRIVATE KEY";
  /** Signatures by the kinds of keys that certificates of servers and clients have. */
  private static final Map<String, String> SIGNATURES =
      Map.of("EC", "SHA256withECDSA", "RSA", "SHA256withRSA", "EdDSA", "EdDSA");
  private static final int MOST_AUTHORITIES = 3;

  /**
   * @param chain the certificate, and those between it and its authority
   * @param key in PKCS #8, not encrypted
   */
  public record Identity(Path chain, Path key) {}

  /** @throws IOException for a file that cannot be used: which, and why */
  public ChannelCredentials credentials() throws IOException {
    try {
      TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder().trustManager(trust());
      if (identity.isPresent()) {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(keyStore(identity.get()), new char[0]);
        credentials.keyManager(keys.getKeyManagers());
      }
      return credentials.build();
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }

  private ServerTrust trust() throws GeneralSecurityException, IOException {
    KeyStore store = null;
    String words = "Java trusts";
    if (authorities.isPresent()) {
      store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      List<X509Certificate> all = certificates(authorities.get());
      for (X509Certificate authority : all) {
        store.setCertificateEntry(Integer.toString(store.size()), authority);
      }
      words = authorities.get() + " holds (" + all.stream().limit(MOST_AUTHORITIES)
          .map(one -> CertificateNames.safe(one.getSubjectX500Principal().getName())).collect(Collectors.joining("; "))
          + (all.size() > MOST_AUTHORITIES ? "; and " + (all.size() - MOST_AUTHORITIES) + " more" : "") + ")";
    }
    return new ServerTrust(manager(store), words);
  }

  private static X509ExtendedTrustManager manager(@Nullable KeyStore store) throws GeneralSecurityException {
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return Stream.of(factory.getTrustManagers()).filter(X509ExtendedTrustManager.class::isInstance)
        .map(X509ExtendedTrustManager.class::cast).findFirst()
        .orElseThrow(() -> new GeneralSecurityException("Java has no trust manager for X.509"));
  }

  private static KeyStore keyStore(Identity identity) throws GeneralSecurityException, IOException {
    List<X509Certificate> chain = certificates(identity.chain());
    X509Certificate own = chain.get(0);
    try {
      own.checkValidity();
    } catch (CertificateException e) {
      throw wrong(identity.chain(), "the certificate (" + CertificateNames.of(own) + ") is valid from "
          + own.getNotBefore().toInstant() + " to " + own.getNotAfter().toInstant() + ", not now");
    }
    PrivateKey key = key(identity.key());
    if (!belong(own, key)) {
      throw wrong(identity.key(), "is not the key of the certificate in " + identity.chain() + " ("
          + CertificateNames.of(own) + ")");
    }
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("client", key, new char[0], chain.toArray(X509Certificate[]::new));
    return store;
  }

  private static boolean belong(X509Certificate certificate, PrivateKey key) throws GeneralSecurityException {
    if (!certificate.getPublicKey().getAlgorithm().equals(key.getAlgorithm())) {
      return false;
    }
    Signature signature = Signature.getInstance(SIGNATURES.get(key.getAlgorithm()));
    byte[] anything = {1};
    signature.initSign(key);
    signature.update(anything);
    byte[] signed = signature.sign();
    signature.initVerify(certificate.getPublicKey());
    signature.update(anything);
    return signature.verify(signed);
  }

  private static List<X509Certificate> certificates(Path file) throws GeneralSecurityException, IOException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<byte[]> blocks = blocks(file, CERTIFICATE);
    if (blocks.isEmpty()) {
      throw wrong(file, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
    }
    List<X509Certificate> certificates = new ArrayList<>();
    for (byte[] block : blocks) {
      try {
        certificates.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(block)));
      } catch (CertificateException e) {
        throw wrong(file, "certificate " + (certificates.size() + 1) + " of it cannot be read");
      }
    }
    return certificates;
  }

  private static PrivateKey key(Path file) throws GeneralSecurityException, IOException {
    List<byte[]> blocks = blocks(file, KEY);
    if (blocks.isEmpty()) {
      throw wrong(file, "holds no private key in PEM as PKCS #8 (-----BEGIN PRIVATE KEY-----); 'openssl pkcs8 -topk8 -nodes"
          + " -in FILE' makes it of one in an older form, or encrypted");
    }
    for (String algorithm : SIGNATURES.keySet()) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(blocks.get(0)));
      } catch (InvalidKeySpecException e) {
        // Of another kind.
      }
    }
    throw wrong(file, "the private key cannot be read (expected: EC, RSA or Ed25519)");
  }

  private static List<byte[]> blocks(Path file, String kind) throws IOException {
    String text;
    try {
      text = Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw wrong(file, "there is no such file");
    } catch (IOException e) {
      throw wrong(file, "cannot be read: " + (e instanceof AccessDeniedException ? "permission denied" : e.getMessage()));
    }
    try {
      return PEM.matcher(text).results().filter(block -> block.group(1).equals(kind))
          .map(block -> Base64.getMimeDecoder().decode(block.group(2))).toList();
    } catch (IllegalArgumentException e) {
      throw wrong(file, "is no PEM: what is between its BEGIN and END is not base64");
    }
  }

  private static FileSystemException wrong(Path file, String why) {
    return new FileSystemException(file.toString(), null, why);
  }
}
