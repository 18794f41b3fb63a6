package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.LogLines;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.security.TestAuthority.Pair;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** TLS and mutual TLS by a real server, real certificates and a real client. */
@Timeout(180)
class TlsIT {

  @TempDir
  Path root;

  private TestAuthority authority;
  private Pair its;

  @BeforeEach
  void prepare() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    authority = new TestAuthority(root, "authority");
    its = authority.issue("server", "lethe.example");
  }

  private ServerFixture start(Map<String, String> more) throws IOException {
    return ServerFixture.start(root, Map.of("tls.certificate", its.certificate().toString(), "tls.key",
        its.key().toString(), "tls.reload", "1"), more);
  }

  private TlsChannelCredentials.Builder trusting(TestAuthority trusted) throws IOException {
    return TlsChannelCredentials.newBuilder().trustManager(trusted.certificate().toFile());
  }

  private static void generate(ServerFixture server, ChannelCredentials credentials) {
    ManagedChannel channel = Grpc.newChannelBuilderForAddress("127.0.0.1", server.port(), credentials).build();
    try {
      assertEquals(1, GenerationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS)
          .generate(GenerateRequest.getDefaultInstance()).getImagesCount());
    } finally {
      channel.shutdownNow();
    }
  }

  private static void unreachable(ServerFixture server, ChannelCredentials credentials) {
    StatusRuntimeException refused =
        assertThrows(StatusRuntimeException.class, () -> generate(server, credentials));
    assertEquals(Code.UNAVAILABLE, refused.getStatus().getCode(), refused.toString());
  }

  @Test
  void speaksTlsWithItsCertificateAndNothingElse() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      generate(server, trusting(authority).build());
      unreachable(server, InsecureChannelCredentials.create());
      unreachable(server, trusting(new TestAuthority(root, "stranger")).build());
      X509Certificate shown = shownBy(server);
      assertTrue(Duration.between(Instant.now(), shown.getNotAfter().toInstant()).toMinutes() > 50);
    }
  }

  @Test
  void mutualTlsLetsInWhoIsCertified() throws Exception {
    Map<String, String> mutual = Map.of("tls.client-ca", authority.certificate().toString(),
        "auth.certificate-roles", "generate");
    Pair client = authority.issue("client", "alice");
    Pair strangers = new TestAuthority(root, "stranger").issue("stranger", "alice");
    try (ServerFixture server = start(mutual)) {
      generate(server, trusting(authority).keyManager(client.certificate().toFile(), client.key().toFile()).build());
      unreachable(server, trusting(authority).build());
      unreachable(server, trusting(authority)
          .keyManager(strangers.certificate().toFile(), strangers.key().toFile()).build());
    }
  }

  @Test
  void takesChangedCertificatesOverWithoutARestart() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      BigInteger first = shownBy(server).getSerialNumber();
      ManagedChannel open = Grpc.newChannelBuilderForAddress("127.0.0.1", server.port(),
          trusting(authority).build()).build();
      GenerationServiceGrpc.newBlockingStub(open).generate(GenerateRequest.getDefaultInstance());

      // A certificate whose key has not come yet changes nothing.
      Pair next = authority.issue("next", "lethe.example");
      try (LogLines told = LogLines.of(WatchedFiles.class)) {
        Files.writeString(its.certificate(), Files.readString(next.certificate()));
        told.until("do not belong together");
      }
      assertEquals(first, shownBy(server).getSerialNumber());

      next.replace(its);
      Until.holds(() -> !shownBy(server).getSerialNumber().equals(first));
      generate(server, trusting(authority).build());
      GenerationServiceGrpc.newBlockingStub(open).generate(GenerateRequest.getDefaultInstance());
      open.shutdownNow();
    }
  }

  @Test
  void refusesToStartWithAKeyOfAnotherCertificate() throws Exception {
    Pair other = authority.issue("other", "lethe.example");
    IOException refused = assertThrows(IOException.class, () -> start(Map.of("tls.key", other.key().toString())));
    assertTrue(refused.getMessage().endsWith("do not belong together"), refused.getMessage());
    Path noKey = Files.writeString(root.resolve("no.key"), "not PEM");
    refused = assertThrows(IOException.class, () -> start(Map.of("tls.key", noKey.toString())));
    assertTrue(refused.getMessage().contains("are no certificate and key in PEM"), refused.getMessage());
  }

  /** The certificate of a new connection, whoever signed it. */
  private static X509Certificate shownBy(ServerFixture server) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new X509TrustManager() {
      @Override
      public void checkClientTrusted(X509Certificate[] chain, String type) {}

      @Override
      public void checkServerTrusted(X509Certificate[] chain, String type) {}

      @Override
      public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
      }
    }}, null);
    try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", server.port())) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  @Test
  void aCertificateThatHasExpiredOrSoonWillIsAnErrorOrAWarning() throws Exception {
    try (LogLines log = LogLines.of(Tls.class)) {
      for (Duration left : List.of(Duration.ofHours(-1), Duration.ofDays(2), Duration.ofDays(30))) {
        Pair pair = authority.issue("old", "lethe.example", left);
        start(Map.of("tls.certificate", pair.certificate().toString(), "tls.key", pair.key().toString())).close();
      }
      List<String> told = log.all();
      assertEquals(3, told.size(), told::toString);
      assertTrue(told.get(0).matches("ERROR: .* has expired on .*"), told.get(0));
      assertTrue(told.get(1).matches("WARN: .* expires on .*"), told.get(1));
      assertTrue(told.get(2).matches("INFO: .* valid until .*"), told.get(2));
    }
  }
}
