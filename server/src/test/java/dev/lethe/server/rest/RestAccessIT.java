package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.LogLines;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.audit.AuditLog;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may do what by HTTP and JSON is what it is by gRPC. */
@Timeout(120)
class RestAccessIT {

  @TempDir
  Path root;

  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static String hash(String token) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
        .digest(token.getBytes(StandardCharsets.UTF_8)));
  }

  private ServerFixture start(Map<String, String> settings) throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    return ServerFixture.start(root, settings);
  }

  private HttpResponse<String> send(ServerFixture server, String method, String path, String body, String... headers)
      throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + server.port() + path))
        .method(method, BodyPublishers.ofString(body)).header("content-type", "application/json");
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), BodyHandlers.ofString());
  }

  @Test
  void rolesRatesAndTheAuditLogAreThoseOfGrpc() throws Exception {
    Path principals = root.resolve("principals.yaml");
    Files.writeString(principals, """
        - name: alice
          roles: [generate]
          token-sha256: %s
          images-per-second: 0.01
        - name: olga
          roles: [operate]
          token-sha256: %s
        """.formatted(hash("alices"), hash("olgas")));
    try (LogLines log = LogLines.of(AuditLog.NAME);
        ServerFixture server = start(Map.of("auth.principals", principals.toString(), "latents", "z"))) {
      String generate = "/v1/models/tiny:generate";
      HttpResponse<String> nobody = send(server, "POST", generate, "{}");
      assertEquals(401, nobody.statusCode());
      assertEquals(Optional.of("Bearer"), nobody.headers().firstValue("www-authenticate"));
      assertEquals(401, send(server, "GET", "/v2/models/tiny", "").statusCode());
      assertEquals(200, send(server, "GET", "/v2/health/live", "").statusCode());
      String[] alice = {"authorization", "Bearer alices"};
      String[] olga = {"authorization", "Bearer olgas"};
      assertEquals(403, send(server, "POST", generate, "{}", olga).statusCode());
      assertEquals(200, send(server, "POST", generate, "{}", alice).statusCode());
      HttpResponse<String> late = send(server, "POST", generate, "{}", alice);
      assertEquals(429, late.statusCode());
      assertTrue(late.headers().firstValueAsLong("retry-after").orElse(0) >= 1);
      assertTrue(late.headers().firstValueAsLong("grpc-retry-pushback-ms").orElse(0) >= 1);

      // What is closed to gRPC's clients is closed here.
      String w = "{\"w\":{\"values\":[{\"values\":[" + "0,".repeat(15) + "0]}]}}";
      HttpResponse<String> closed = send(server, "POST", generate, w, alice);
      assertEquals(403, closed.statusCode(), closed.body());
      String ws = "{\"inputs\":[{\"name\":\"ws\",\"datatype\":\"FP32\",\"shape\":[1,8,16],\"data\":["
          + "0,".repeat(127) + "1]}]}";
      HttpResponse<String> closedTensor = send(server, "POST", "/v2/models/tiny/infer", ws, alice);
      assertEquals(403, closedTensor.statusCode(), closedTensor.body());

      assertEquals(403, send(server, "POST", "/v1/models/tiny/versions/v1:activate", "", alice).statusCode());
      assertEquals(200, send(server, "POST", "/v1/models/tiny/versions/v1:activate", "", olga).statusCode());
      log.until("\"olga\"");
      List<String> lines = log.all();
      assertTrue(lines.get(0).contains("alice") && lines.get(0).contains("PERMISSION_DENIED")
          && lines.get(0).contains("\"version\":\"v1\""), lines.get(0));
      assertTrue(lines.get(1).contains("olga") && lines.get(1).contains("OK"), lines.get(1));
    }
  }

  @Test
  void originsThatAreNamedAreLetIn() throws Exception {
    try (ServerFixture server = start(Map.of("cors.origins", "https://app.example"))) {
      String[] app = {"origin", "https://app.example"};
      HttpResponse<String> reply = send(server, "GET", "/v1/models", "", app);
      assertEquals(200, reply.statusCode());
      assertEquals(Optional.of("https://app.example"), reply.headers().firstValue("access-control-allow-origin"));
      assertEquals(Optional.of("origin"), reply.headers().firstValue("vary"));
      HttpResponse<String> preflight = send(server, "OPTIONS", "/lethe.v1.ModelService/ListModels", "", "origin",
          "https://app.example", "access-control-request-method", "POST");
      assertEquals(204, preflight.statusCode());
      assertTrue(preflight.headers().firstValue("access-control-allow-headers").orElse("").contains("x-grpc-web"));
      assertEquals(403, send(server, "GET", "/v1/models", "", "origin", "https://other.example").statusCode());
    }
  }

  /** A page that has a name of its own lead here would have the rights of everyone on this machine. */
  @Test
  void namesOfOtherMachinesAreNoNamesOfAServerForThisOne() throws Exception {
    try (ServerFixture server = start(Map.of())) {
      assertEquals("HTTP/1.1 421 Misdirected Request", statusLine(server, "evil.example"));
      assertEquals("HTTP/1.1 200 OK", statusLine(server, "localhost:" + server.port()));
      assertEquals("HTTP/1.1 200 OK", statusLine(server, "[::1]:" + server.port()));
    }
  }

  /** A client of HTTP/1.1 is asked for no sign of life: one that has gone without a word must not stay for ever. */
  @Test
  void aBodyThatDoesNotComeIsNotWaitedForForEver() throws Exception {
    try (ServerFixture server = start(Map.of("keepalive", "1"));
        Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(("POST /v1/models/tiny:generate HTTP/1.1\r\nhost: localhost\r\ncontent-type:"
          + " application/json\r\ncontent-length: 10\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      assertEquals("HTTP/1.1 504 Gateway Timeout", new BufferedReader(new InputStreamReader(socket.getInputStream(),
          StandardCharsets.UTF_8)).readLine());
    }
  }

  private static String statusLine(ServerFixture server, String host) throws Exception {
    try (Socket socket = new Socket("127.0.0.1", server.port())) {
      socket.getOutputStream().write(("GET /v1/models HTTP/1.1\r\nhost: " + host + "\r\nconnection: close\r\n\r\n")
          .getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().findFirst().orElse("");
    }
  }
}
