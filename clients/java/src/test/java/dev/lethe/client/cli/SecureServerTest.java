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
import java.time.Instant;
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
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X500Name name = new X500Name("CN=localhost");
    Instant now = Instant.now();
    JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(name, BigInteger.ONE,
        Date.from(now.minusSeconds(60)), Date.from(now.plusSeconds(600)), name, keys.getPublic());
    builder.addExtension(Extension.subjectAlternativeName, false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, "localhost")));
    certificate = pem("server.crt",
        builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
    key = pem("server.key", new JcaPKCS8Generator(keys.getPrivate(), null));
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

  @Test
  void saysWhatIsWrongWithAFile() throws IOException {
    try (FakeServer server = new FakeServer()) {
      assertEquals(2, models(server, "--cert=" + certificate));
      assertEquals("lethe: --cert and --key go together", err.toString().lines().findFirst().orElse(""));
      err.reset();
      assertEquals(1, models(server, "--tls-ca=" + folder.resolve("missing")));
      assertTrue(err.toString().contains("a file of TLS cannot be read: ") && err.toString().contains("missing"),
          err::toString);
      err.reset();
      Path text = Files.writeString(folder.resolve("text"), "no certificate");
      assertEquals(1, models(server, "--tls-ca=" + text));
      assertTrue(err.toString().startsWith("lethe: INVALID_ARGUMENT: a file of TLS is not what it should be"),
          err::toString);
    }
  }
}
