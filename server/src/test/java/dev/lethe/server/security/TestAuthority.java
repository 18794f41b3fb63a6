package dev.lethe.server.security;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority that makes certificates for this machine and for clients, as PEM files. */
final class TestAuthority {

  /** A certificate and its private key. */
  record Pair(Path certificate, Path key) {

    /** Puts this pair's files in place of another's. */
    void replace(Pair other) throws IOException {
      Files.writeString(other.certificate(), Files.readString(certificate));
      Files.writeString(other.key(), Files.readString(key));
    }
  }

  private final Path directory;
  private final X500Name name;
  private final KeyPair keys = newKeys();
  private final Path certificate;

  TestAuthority(Path directory, String name) throws IOException {
    this.directory = directory;
    this.name = new X500Name("CN=" + name);
    this.certificate = write(name + ".crt", certify(this.name, keys, true, Duration.ofHours(1)));
  }

  /** The authority's own certificate. */
  Path certificate() {
    return certificate;
  }

  /** Makes {@code FILE.crt} and {@code FILE.key}, for localhost and 127.0.0.1. */
  Pair issue(String file, String commonName) throws IOException {
    return issue(file, commonName, Duration.ofHours(1));
  }

  /** @param left before it expires; negative: since it has */
  Pair issue(String file, String commonName, Duration left) throws IOException {
    KeyPair pair = newKeys();
    return new Pair(write(file + ".crt", certify(new X500Name("CN=" + commonName), pair, false, left)),
        write(file + ".key", privateKey(pair.getPrivate())));
  }

  private X509CertificateHolder certify(X500Name subject, KeyPair pair, boolean authority, Duration left)
      throws IOException {
    Instant now = Instant.now();
    X509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(name, new BigInteger(64, new SecureRandom()),
        Date.from(now.minus(Duration.ofDays(2))), Date.from(now.plus(left)), subject, pair.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
    if (!authority) {
      builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(new GeneralName[] {
          new GeneralName(GeneralName.dNSName, "localhost"), new GeneralName(GeneralName.iPAddress, "127.0.0.1")}));
    }
    try {
      return builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()));
    } catch (OperatorCreationException e) {
      throw new IOException(e);
    }
  }

  private static Object privateKey(PrivateKey key) throws IOException {
    return new JcaPKCS8Generator(key, null);
  }

  private static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path write(String file, Object content) {
    try {
      StringWriter pem = new StringWriter();
      try (JcaPEMWriter out = new JcaPEMWriter(pem)) {
        out.writeObject(content);
      }
      return Files.writeString(directory.resolve(file), pem.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
