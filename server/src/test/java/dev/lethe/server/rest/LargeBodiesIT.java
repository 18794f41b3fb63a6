package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bodies larger than what is taken at once, by both versions of HTTP: answered while they are on their way. */
@Timeout(120)
class LargeBodiesIT {

  private static final int MEGABYTE = 1 << 20;
  private static final String FORM = "multipart/form-data; boundary=b";
  private static final String LIMIT = Integer.toString(12 << 20);

  @TempDir
  static Path root;

  private static ServerFixture server;
  private static Vertx vertx;

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    server = ServerFixture.start(root, Map.of("max-message", "12", "worker-command", "true"));
    vertx = Vertx.vertx();
  }

  @AfterAll
  static void stop() {
    vertx.close();
    server.close();
  }

  private static String part(String name) {
    return "--b\r\ncontent-disposition: form-data; name=\"" + name + "\"\r\n\r\n";
  }

  private record Reply(int status, String body) {}

  /** One connection, and how many there were. */
  private static final class Client {

    private final Set<HttpConnection> connections = ConcurrentHashMap.newKeySet();
    private final HttpClient http;

    Client(HttpVersion version) {
      http = vertx.createHttpClient(new HttpClientOptions().setProtocolVersion(version).setHttp2ClearTextUpgrade(false)
          .setKeepAlive(true), new PoolOptions().setHttp1MaxSize(1).setHttp2MaxSize(1));
    }

    Reply send(String path, String type, Buffer body) throws Exception {
      HttpClientRequest request =
          await(http.request(HttpMethod.POST, server.port(), "localhost", path));
      connections.add(request.connection());
      request.putHeader("content-type", type);
      // What becomes of the rest of the body is not told: the answer counts.
      return await(request.send(body).compose(response -> response.body()
          .map(told -> new Reply(response.statusCode(), told.toString()))));
    }

    private static <T> T await(Future<T> future) throws Exception {
      return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
  }

  private static Buffer form(String field, String name, int bytes) {
    return Buffer.buffer(part("spec") + "{}\r\n--b\r\ncontent-disposition: form-data; name=\"" + field
        + "\"; filename=\"" + name + "\"\r\n\r\n").appendBytes(new byte[bytes]).appendString("\r\n--b--\r\n");
  }

  @ParameterizedTest
  @EnumSource(value = HttpVersion.class, names = {"HTTP_1_1", "HTTP_2"})
  void whatIsTooLargeIsToldSoAndTheConnectionGoesOn(HttpVersion version) throws Exception {
    Client client = new Client(version);
    for (int round = 0; round < 3; round++) {
      Reply large = client.send("/v1/jobs", FORM, form("unlearn", "7/a.png", 40 * MEGABYTE));
      assertEquals(413, large.status(), large.body());
      assertTrue(large.body().contains("unlearn: 7/a.png exceeds the limit of " + LIMIT),
          () -> "told: " + large.body());
      Reply json = client.send("/v2/models/tiny/infer", "application/json",
          Buffer.buffer(" ".repeat(20 * MEGABYTE) + "{}"));
      assertEquals(413, json.status(), json.body());
      assertEquals(200, client.send("/v1/models/tiny:generate", "application/json",
          Buffer.buffer("{\"count\": 1}")).status());
    }
    assertEquals(1, client.connections.size());
    Until.holds(() -> server.metric("lethe_grpc_arriving_bytes") == 0);
  }

  /** In each, bytes that are in no message are more than a message may have. */
  @ParameterizedTest
  @EnumSource(value = HttpVersion.class, names = {"HTTP_1_1", "HTTP_2"})
  void manySmallMessagesAreReadToTheirEnd(HttpVersion version) throws Exception {
    Client client = new Client(version);
    Buffer spaced = Buffer.buffer("{\"spec\": {\"classes\": [\"none\"]}}\n");
    for (int i = 0; i < 40; i++) {
      spaced.appendString("{\"images\": {" + " ".repeat(MEGABYTE) + "}}\n");
    }
    Buffer named = Buffer.buffer(part("spec") + "{\"classes\": [\"none\"]}\r\n");
    String header = "x-filler: " + "a".repeat(8 << 10) + "\r\n";
    for (int i = 0; i < 400; i++) {
      named.appendString("--b\r\n" + header.repeat(5)
          + "content-disposition: form-data; name=\"learn\"; filename=\"" + i + ".png\"\r\n\r\nno image\r\n");
    }
    named.appendString("--b--\r\n");
    for (var body : List.of(Map.entry("application/x-ndjson", spaced), Map.entry(FORM, named))) {
      Reply reply = client.send("/v1/jobs", body.getKey(), body.getValue());
      assertEquals(400, reply.status(), reply.body());
    }
    Reply blank = client.send("/v1/jobs", "application/x-ndjson", Buffer.buffer("\n".repeat(20 * MEGABYTE)));
    assertEquals(413, blank.status(), blank.body());
    Until.holds(() -> server.metric("lethe_grpc_arriving_bytes") == 0);
  }
}
