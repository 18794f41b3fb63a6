package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever a client sends, it is answered, and told what to do in words that are none of a library's. */
@Timeout(120)
class MalformedIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String GENERATE = "/v1/models/tiny:generate";
  private static final String INFER = "/v2/models/tiny/infer";
  private static final String JSON_TYPE = "application/json";
  private static final String LINES = "application/x-ndjson";
  private static final String FORM = "multipart/form-data; boundary=b";

  @TempDir
  static Path root;

  private static ServerFixture server;
  private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    server = ServerFixture.start(root);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static HttpResponse<String> send(String method, String path, String type, String body) throws Exception {
    return HTTP.send(HttpRequest.newBuilder(URI.create("http://localhost:" + server.port() + path))
        .timeout(Duration.ofSeconds(20)).header("content-type", type).method(method, BodyPublishers.ofString(body))
        .build(), BodyHandlers.ofString());
  }

  private static String refusal(String path, String type, String body) throws Exception {
    HttpResponse<String> reply = send("POST", path, type, body);
    assertEquals(400, reply.statusCode(), reply.body());
    var error = JSON.readTree(reply.body()).get("error");
    String message = error.isTextual() ? error.textValue() : error.get("message").textValue();
    if (!error.isTextual()) {
      assertEquals("INVALID_ARGUMENT", error.get("status").textValue());
    }
    for (String internal : List.of("Exception", "netty", "gson", "Feature", "github", "google", "java.")) {
      assertFalse(message.toLowerCase(Locale.ROOT).contains(internal.toLowerCase(Locale.ROOT)), message);
    }
    return message;
  }

  @Test
  void aFieldOfPathAndBodyIsNamed() throws Exception {
    assertEquals("model: is in path or query, where it is \"tiny\", and in the body too; leave it out of the body",
        refusal(GENERATE, JSON_TYPE, "{\"model\": \"tiny\"}"));
  }

  @Test
  void deepJsonIsRefusedOnEveryPath() throws Exception {
    String objects = "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000);
    String lists = "[".repeat(10_000) + "]".repeat(10_000);
    for (String deep : List.of(lists, "{\"seeds\":".repeat(5000) + "1" + "}".repeat(5000), objects,
        "{\"id\":" + lists + "}")) {
      for (String path : List.of(GENERATE, "/v1/models/tiny:generateStream", "/v1/jobs/x:approve",
          "/lethe.v1.ModelService/ListModels")) {
        refusal(path, JSON_TYPE, deep);
      }
      assertTrue(refusal("/v1/jobs", LINES, "\n" + deep).startsWith("line 2"));
      assertTrue(refusal("/v1/jobs", FORM, "--b\r\ncontent-disposition: form-data; name=\"spec\"\r\n\r\n" + deep
          + "\r\n--b--\r\n").startsWith("spec"));
      assertTrue(refusal(INFER, JSON_TYPE, deep).contains("100 deep"));
      assertTrue(refusal("/v2/repository/index", JSON_TYPE, deep).contains("100 deep"));
    }
    assertTrue(refusal(GENERATE, JSON_TYPE, lists).contains("100 deep"));
    assertTrue(refusal(INFER, JSON_TYPE, "{\"inputs\":[{\"name\":\"seed\",\"datatype\":\"INT64\",\"shape\":[1],"
        + "\"data\":" + "[".repeat(50) + "1" + "]".repeat(50) + "}]}").contains("8 deep"));
    assertEquals(400, send("GET", "/v1/jobs?" + "a.".repeat(1500) + "a=1", JSON_TYPE, "").statusCode());
    assertEquals(404, send("GET", "/v1" + "/a".repeat(1500), JSON_TYPE, "").statusCode());
  }

  @Test
  void submissionsThatEndEarlyAreNone() throws Exception {
    String part = "--b\r\ncontent-disposition: form-data; name=\"unlearn\"; filename=\"7/a.png\"\r\n\r\nx";
    assertTrue(refusal("/v1/jobs", FORM, part).contains("ends early (whole parts: 0)"));
    refusal("/v1/jobs", FORM, "garbage");
    assertTrue(refusal("/v1/jobs", LINES, "\n{\"images\":{").startsWith("line 2 ends early"));
    String chunked = "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: " + FORM
        + "\r\ntransfer-encoding: chunked\r\n\r\n" + Integer.toHexString(part.length()) + "\r\n" + part + "\r\n";
    assertTrue(raw(chunked + "0\r\n\r\n").contains("ends early (whole parts: 0)"));
    // The last chunk does not come: the client has gone before its request was whole.
    assertFalse(raw(chunked).startsWith("HTTP/1.1 200"));
    assertFalse(raw(chunked + "zzz\r\n").startsWith("HTTP/1.1 200"));
    assertEquals("[]", JSON.readTree(send("GET", "/v1/jobs", JSON_TYPE, "").body()).get("jobs").toString());
  }

  @Test
  void refusalsAreInOurWords() throws Exception {
    refusal("/v1/jobs", FORM, "--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n");
    assertTrue(refusal("/v1/jobs", "multipart/form-data", "x").contains("boundary"));
    refusal(INFER, JSON_TYPE, "{\"inputs\":[{\"name\":\"z\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[NaN]}]}");
    refusal("/v1/jobs", LINES, "{'spec':{}}\n");
    assertTrue(refusal(GENERATE, JSON_TYPE, "{\"seeds\":{\"values\":[-1]}}").startsWith("seeds.values[0]: is -1"));
    for (String json : List.of("{label:'7'} // hi", "{\"label\":\"7\"}{\"label\":\"8\"}",
        "{\"label\":\"7\",\"label\":\"8\"}", "{\"psi\":NaN}")) {
      refusal(GENERATE, JSON_TYPE, json);
      refusal(INFER, JSON_TYPE, json);
    }
  }

  @Test
  void headIsGetWithoutABody() throws Exception {
    for (String path : List.of("/v1/models", "/v2/health/live", "/v2/models/tiny", "/openapi.json", "/console",
        "/console/", "/healthz", "/readyz", "/metrics", "/v1/jobs/none")) {
      HttpResponse<String> get = send("GET", path, JSON_TYPE, "");
      HttpResponse<String> head = send("HEAD", path, JSON_TYPE, "");
      assertEquals(get.statusCode(), head.statusCode(), path);
      assertEquals("", head.body());
      assertEquals(get.headers().firstValue("content-type"), head.headers().firstValue("content-type"), path);
      if (!path.equals("/metrics")) {
        assertEquals(get.headers().firstValue("content-length").orElse("0"),
            head.headers().firstValue("content-length").orElse("0"), path);
      }
    }
    HttpResponse<String> watch = send("HEAD", "/v1/jobs/x:watch", JSON_TYPE, "");
    assertEquals(405, watch.statusCode());
    assertEquals("GET", watch.headers().firstValue("allow").orElse(""));
    assertEquals(405, send("HEAD", GENERATE, JSON_TYPE, "").statusCode());
  }

  @Test
  void requestsWithoutOneHostOrOfOtherVersionsAreRefused() throws Exception {
    String close = "connection: close\r\n\r\n";
    for (String hosts : List.of("", "host: localhost\r\nhost: evil.example\r\n", "host: a b\r\n", "host:\r\n")) {
      String reply = raw("GET /v1/models HTTP/1.1\r\n" + hosts + close);
      assertTrue(reply.startsWith("HTTP/1.1 400 ") && reply.contains("host: "), reply);
    }
    assertTrue(raw("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n" + close).startsWith("HTTP/1.1 200 "));
    assertTrue(raw("GET /v1/models HTTP/1.0\r\n\r\n").startsWith("HTTP/1.0 200 "));
    for (String version : List.of("HTTP/9.9", "HTTP/1.2", "HTTP/3.0", "HTTP/0.9")) {
      String reply = raw("GET /v1/models " + version + "\r\nhost: localhost\r\n\r\n");
      assertTrue(reply.startsWith("HTTP/1.1 505 ") && reply.contains("HTTP/1.1, HTTP/1.0 or HTTP/2"), reply);
    }
  }

  /** Of the first request that waits for an answer; two answers to one would be worse than none. */
  @Test
  void chunksWithoutASizeAreRefused() throws Exception {
    String end = " HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    String reply = raw("POST " + GENERATE + end + "2\r\n{}\r\nZZ\r\n");
    assertTrue(reply.startsWith("HTTP/1.1 400 ") && reply.contains("{\"error\":{\"code\":400,\"status\":"
        + "\"INVALID_ARGUMENT\"") && reply.contains("chunk"), reply);
    assertTrue(raw("POST " + INFER + end + "ZZ\r\n").contains("{\"error\":\"the request's body"));
    assertTrue(raw("POST " + GENERATE + end + "2\r\n{}\r\n-1\r\n").startsWith("HTTP/1.1 400 "));
    // What is answered already is not answered again.
    String unknown = raw("POST /v1/nothing" + end + "ZZ\r\n");
    assertTrue(unknown.split("HTTP/1.1 ", -1).length <= 2 && !unknown.contains("HTTP/1.1 400"), unknown);
    String after = raw("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\nPOST " + GENERATE + end + "ZZ\r\n");
    assertTrue(after.startsWith("HTTP/1.1 200 ") || after.isEmpty(), after);
  }

  private static String raw(String request) throws IOException {
    try (Socket socket = new Socket("localhost", server.port())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
