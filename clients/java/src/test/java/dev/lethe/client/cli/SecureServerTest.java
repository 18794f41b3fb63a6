package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.client.FakeServer;
import dev.lethe.client.console.Console;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The options of TLS and tokens, against a server that demands both. */
@Timeout(30)
class SecureServerTest {

  @TempDir
  private Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private Path certificate;
  private Path key;

  /** One certificate for both sides, its own authority. */
  @BeforeEach
  void certify() throws Exception {
    Instant now = Instant.now();
    Pair own = pair("server", "localhost", now.plusSeconds(600));
    certificate = own.certificate;
    key = own.key;
  }

  private record Pair(Path certificate, Path key) {}

  private Pair pair(String file, String host, Instant end) throws Exception {
    KeyPair keys = keys();
    return pair(file, host, end, keys, "CN=" + host, keys.getPrivate());
  }

  private static KeyPair keys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    return generator.generateKeyPair();
  }

  private Pair pair(String file, String host, Instant end, KeyPair keys, String issuer, PrivateKey signing)
      throws Exception {
    X500Name name = new X500Name("CN=" + host);
    JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(new X500Name(issuer), BigInteger.ONE,
        Date.from(end.minusSeconds(660)), Date.from(end), name, keys.getPublic());
    builder.addExtension(Extension.subjectAlternativeName, false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, host)));
    return new Pair(pem(file + ".crt",
        builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signing))),
        pem(file + ".key", new JcaPKCS8Generator(keys.getPrivate(), null)));
  }

  private Path pem(String file, Object content) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(content);
    }
    return Files.writeString(folder.resolve(file), text.toString());
  }

  private int models(FakeServer server, String... options) {
    List<String> all = new ArrayList<>(List.of("models", "list", "--server=" + server.address()));
    all.addAll(List.of(options));
    return Main.commandLine(new Console(new PrintStream(out), new PrintStream(err), 0))
        .execute(all.toArray(String[]::new));
  }

  @Test
  void showsCertificateAndToken() throws IOException {
    try (FakeServer server = new FakeServer(TlsServerCredentials.newBuilder()
        .keyManager(certificate.toFile(), key.toFile())
        .trustManager(certificate.toFile()).clientAuth(ClientAuth.REQUIRE).build())) {
      assertEquals(0, models(server, "--tls-ca=" + certificate, "--cert=" + certificate, "--key=" + key,
          "--token=secret"), err::toString);
      assertEquals("Bearer secret", server.authorization);
      assertEquals(0, models(server, "--tls-ca=" + certificate, "--cert=" + certificate, "--key=" + key));
      assertNull(server.authorization);
      assertEquals(1, models(server, "--tls-ca=" + certificate));
      assertEquals(1, models(server));
      assertEquals(1, models(server, "--tls"));
    }
  }

  private void refused(FakeServer server, String words, String... options) {
    err.reset();
    assertEquals(1, models(server, options), err::toString);
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertTrue(err.toString().contains(words), () -> words + " is to be in: " + err);
  }

  private static FakeServer tls(Pair pair) throws IOException {
    return new FakeServer(TlsServerCredentials.create(pair.certificate.toFile(), pair.key.toFile()));
  }

  @Test
  void saysWhichCertificateItIsAndWhatDoesNotFit() throws Exception {
    Instant now = Instant.now();
    Pair other = pair("other", "elsewhere.example", now.plusSeconds(600));
    KeyPair signing = keys();
    Pair authority = pair("authority", "ours", now.plusSeconds(600), signing, "CN=ours", signing.getPrivate());
    Pair old = pair("old", "localhost", now.minusSeconds(60), keys(), "CN=ours", signing.getPrivate());
    try (FakeServer server = tls(new Pair(certificate, key))) {
      refused(server, "the server's certificate (CN=localhost, by itself) is of none of the authorities that Java trusts; if"
          + " it is the server that you mean, name its authority by --tls-ca FILE", "--tls");
      refused(server, "is of none of the authorities that " + other.certificate + " holds (CN=elsewhere.example); ",
          "--tls-ca=" + other.certificate);
      refused(server, "does not take calls without TLS; if it speaks TLS, add --tls-ca FILE");
      assertEquals(0, Main.commandLine(new Console(new PrintStream(out), new PrintStream(err), 0)).execute("models", "list",
          "--server=https://" + server.address(), "--tls-ca=" + certificate), err::toString);
      assertEquals(1, Main.commandLine(new Console(new PrintStream(out), new PrintStream(err), 0))
          .execute("wait", "--ready", "--for=3600", "--server=" + server.address(), "--tls"), "waiting does not help");
    }
    try (FakeServer server = tls(other)) {
      refused(server, "(CN=elsewhere.example, by itself) is for elsewhere.example, not for localhost; ask for it by that"
          + " name, in --server", "--tls-ca=" + other.certificate);
    }
    try (FakeServer server = tls(old)) {
      refused(server, "(CN=localhost, by CN=ours) was valid until " + now.minusSeconds(60).truncatedTo(ChronoUnit.SECONDS),
          "--tls-ca=" + authority.certificate);
    }
    try (FakeServer server = new FakeServer()) {
      refused(server, "does not speak TLS; leave out https://, --tls and --tls-ca", "--tls-ca=" + certificate);
    }
  }

  @Test
  void saysThatTheClientsCertificateDoesNotFit() throws Exception {
    Pair other = pair("other", "someone", Instant.now().plusSeconds(600));
    Pair old = pair("old", "someone", Instant.now().minusSeconds(60));
    try (FakeServer server = new FakeServer(TlsServerCredentials.newBuilder()
        .keyManager(certificate.toFile(), key.toFile())
        .trustManager(certificate.toFile()).clientAuth(ClientAuth.REQUIRE).build())) {
      String ca = "--tls-ca=" + certificate;
      refused(server, "wants to see a certificate of its clients (mutual TLS); show one of an authority that it trusts by"
          + " --cert and --key", ca);
      refused(server, "does not take the certificate in " + other.certificate + " (", ca, "--cert=" + other.certificate,
          "--key=" + other.key);
      refused(server, old.certificate + ": the certificate (CN=someone, by itself) is valid from ", ca,
          "--cert=" + old.certificate, "--key=" + old.key);
      refused(server, other.key + ": is not the key of the certificate in " + certificate, ca, "--cert=" + certificate,
          "--key=" + other.key);
      refused(server, certificate + ": holds no private key in PEM as PKCS #8", ca, "--cert=" + certificate,
          "--key=" + certificate);
    }
  }

  @Test
  void saysWhatIsWrongWithAFile() throws IOException {
    try (FakeServer server = new FakeServer()) {
      assertEquals(2, models(server, "--cert=" + certificate));
      assertEquals("lethe: --cert and --key go together", err.toString().lines().findFirst().orElse(""));
      err.reset();
      assertEquals(1, models(server, "--tls-ca=" + folder.resolve("missing")));
      assertEquals("lethe: " + folder.resolve("missing") + ": there is no such file" + System.lineSeparator(), err.toString());
      err.reset();
      Path text = Files.writeString(folder.resolve("text"), "no certificate");
      assertEquals(1, models(server, "--tls-ca=" + text));
      assertEquals("lethe: " + text + ": holds no certificate in PEM (-----BEGIN CERTIFICATE-----)" + System.lineSeparator(),
          err.toString());
    }
  }
}
