package dev.lethe.server.rest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.Seeds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The services by HTTP and JSON, with the JDK's HTTP client and a real server of two models. */
@Timeout(120)
class RestIT {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  static Path root;

  private static ServerFixture server;
  private static final HttpClient HTTP_1 = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final HttpClient HTTP_2 = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7, "three");
    TinyBundles.unconditional(root.resolve("models"), "plain", "v1");
    TinyBundles.unconditional(root.resolve("models"), "plain", "v2");
    server = ServerFixture.start(root, Map.of("max-message", "12"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private record Reply(int status, JsonNode json, HttpResponse<byte[]> whole) {}

  private static Reply send(HttpClient client, String method, String path, BodyPublisher body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + server.port() + path))
        .method(method, body);
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<byte[]> reply = client.send(request.build(), BodyHandlers.ofByteArray());
    boolean json = reply.headers().firstValue("content-type").orElse("").equals("application/json");
    return new Reply(reply.statusCode(), json && reply.body().length > 0 ? JSON.readTree(reply.body()) : null, reply);
  }

  private static Reply get(String path, String... headers) throws IOException, InterruptedException {
    return send(HTTP_1, "GET", path, BodyPublishers.noBody(), headers);
  }

  private static Reply post(String path, String json) throws IOException, InterruptedException {
    return send(HTTP_1, "POST", path, BodyPublishers.ofString(json), "content-type", "application/json");
  }

  private static void assertError(int code, String status, Reply reply, String... words) {
    assertEquals(code, reply.status(), () -> String.valueOf(reply.json()));
    JsonNode error = reply.json().get("error");
    assertEquals(code, error.get("code").intValue());
    assertEquals(status, error.get("status").textValue());
    for (String word : words) {
      assertTrue(error.get("message").textValue().contains(word), error.toString());
    }
  }

  @Test
  void modelsAndVersionsAreResources() throws Exception {
    assertEquals(List.of("plain", "tiny"), texts(get("/v1/models").json().get("models")));
    JsonNode versions = get("/v1/models/plain/versions").json().get("versions");
    assertEquals(List.of("v1", "v2"), versions.findValuesAsText("version"));
    assertEquals("v1", JSON.readTree(get("/v1/models/tiny/versions/v1/card").json().get("cardJson").textValue())
        .get("version").textValue());
    assertError(404, "NOT_FOUND", get("/v1/models/other/versions"), "other", "tiny");
    assertError(404, "NOT_FOUND", get("/v1/nothing"), "/v1/nothing");
    assertError(405, "UNIMPLEMENTED", post("/v1/models", "{}"), "GET");
    assertError(400, "INVALID_ARGUMENT", get("/v1/models?color=red"), "color");
  }

  private static List<String> texts(JsonNode array) {
    return JSON.convertValue(array, JSON.getTypeFactory().constructCollectionType(List.class, String.class));
  }

  @Test
  void imagesAreThoseOfGrpcOverBothVersionsOfHttp() throws Exception {
    GenerateResponse expected = server.generation().generate(GenerateRequest.newBuilder().setModel("tiny")
        .setSeeds(Seeds.newBuilder().addValues(1).addValues(2)).setLabel("seven").build());
    String body = "{\"seeds\":{\"values\":[1,2]},\"label\":\"seven\"}";
    for (HttpClient client : List.of(HTTP_1, HTTP_2)) {
      Reply reply = send(client, "POST", "/v1/models/tiny:generate", BodyPublishers.ofString(body),
          "content-type", "application/json", "x-request-id", "mine");
      assertEquals(200, reply.status());
      assertEquals(Optional.of("mine"), reply.whole().headers().firstValue("x-request-id"));
      for (int i = 0; i < 2; i++) {
        assertArrayEquals(expected.getImages(i).getImage().getData().toByteArray(),
            Base64.getDecoder().decode(reply.json().get("images").get(i).get("image").get("data").textValue()));
      }
    }
    assertEquals(2, post("/lethe.v1.GenerationService/Generate", "{\"model\":\"tiny\",\"count\":2}").json()
        .get("images").size());
  }

  @Test
  void aStreamIsLines() throws Exception {
    Reply reply = post("/v1/models/tiny:generateStream", "{\"count\":3,\"label\":\"1\"}");
    assertEquals(Optional.of("application/x-ndjson"), reply.whole().headers().firstValue("content-type"));
    List<String> lines = new String(reply.whole().body(), StandardCharsets.UTF_8).lines().toList();
    assertEquals(3, lines.size());
    for (int i = 0; i < 3; i++) {
      assertEquals(i, JSON.readTree(lines.get(i)).get("index").intValue());
    }
    assertError(400, "INVALID_ARGUMENT", post("/v1/models/tiny:generateStream", "{\"psi\":7}"), "psi");
  }

  @Test
  void badRequestsAreToldWhatIsWrong() throws Exception {
    assertError(400, "INVALID_ARGUMENT", post("/v1/models/tiny:generate", "{\"psi\":3}"), "psi", "3.0");
    assertError(400, "INVALID_ARGUMENT", post("/v1/models/tiny:generate", "{\"colour\":3}"), "colour");
    assertError(400, "INVALID_ARGUMENT", post("/v1/models/tiny:generate", "{\"psi\":"), "JSON");
    assertError(400, "INVALID_ARGUMENT", post("/v1/models/tiny:generate", "[".repeat(5000)));
    assertError(400, "FAILED_PRECONDITION", post("/v1/models/tiny:generate", "{\"label\":\"three\"}"), "three", "v1");
    assertError(415, "INVALID_ARGUMENT", send(HTTP_1, "POST", "/v1/models/tiny:generate",
        BodyPublishers.ofString("{}"), "content-type", "text/plain"), "application/json");
    assertError(400, "INVALID_ARGUMENT", get("/v1/jobs?pageSize=abc"), "pageSize", "abc");
  }

  /** Whatever the body's size and form: 413, and the limit that it is above. */
  @Test
  void bodiesAboveTheLimitAreToldIt() throws Exception {
    String json = "8388608 bytes";
    String whole = Integer.toString(12 << 20);
    for (int megabytes : new int[] {9, 13}) {
      byte[] body = new byte[megabytes << 20];
      for (String path : List.of("/v1/models/tiny:generate", "/v1/models/tiny:generateStream",
          "/lethe.v1.GenerationService/Generate")) {
        assertError(413, "RESOURCE_EXHAUSTED", send(HTTP_1, "POST", path, BodyPublishers.ofByteArray(body),
            "content-type", "application/json"), json);
      }
      assertError(413, "RESOURCE_EXHAUSTED", send(HTTP_1, "POST", "/v1/jobs", BodyPublishers.ofByteArray(body),
          "content-type", "application/x-ndjson"), "a line of JSON", json);
      assertError(413, "RESOURCE_EXHAUSTED", form("spec", body), megabytes == 9 ? json : whole);
      Reply tensors = send(HTTP_1, "POST", "/v2/models/tiny/infer", BodyPublishers.ofByteArray(body));
      assertEquals(413, tensors.status());
      assertTrue(tensors.json().get("error").textValue().contains(json), tensors.json().toString());
    }
    assertError(413, "RESOURCE_EXHAUSTED", form("unlearn", new byte[13 << 20]), "unlearn: 1/a.png", whole);
    Reply behind = infer("{\"inputs\":[]}", new byte[13 << 20], 13);
    assertEquals(413, behind.status());
    assertTrue(behind.json().get("error").textValue().contains(whole), behind.json().toString());
    // The connection goes on.
    assertEquals(200, get("/v1/models").status());
  }

  private static Reply form(String field, byte[] content) throws IOException, InterruptedException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(("--b\r\ncontent-disposition: form-data; name=\"" + field + "\""
        + (field.equals("spec") ? "" : "; filename=\"1/a.png\"") + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    body.writeBytes(content);
    body.writeBytes("\r\n--b--\r\n".getBytes(StandardCharsets.US_ASCII));
    return send(HTTP_1, "POST", "/v1/jobs", BodyPublishers.ofByteArray(body.toByteArray()), "content-type",
        "multipart/form-data; boundary=b");
  }

  /** Of every path, and of what is no request at all. */
  @Test
  void everyErrorIsOfOneForm() throws Exception {
    assertError(404, "NOT_FOUND", get("/v1/jobs/no-such-job/certificate"), "job_id");
    assertError(404, "NOT_FOUND", get("/v1/models/plain/versions/v1/certificate"), "version");
    for (String path : List.of("/healthz", "/readyz", "/metrics", "/console", "/console/app.js", "/openapi.json",
        "/v1/models")) {
      Reply refused = post(path, "{}");
      assertError(405, "UNIMPLEMENTED", refused, "use GET");
      assertTrue(refused.whole().headers().firstValue("allow").orElse("").startsWith("GET"), path);
    }
    for (String path : List.of("/", "/console/none.js", "/v1", "/favicon.ico")) {
      assertError(404, "NOT_FOUND", get(path), path);
    }
    assertError(414, "INVALID_ARGUMENT", get("/" + "a".repeat(5000)), "4096");
    assertError(431, "INVALID_ARGUMENT", get("/v1/models", "x-long", "a".repeat(9000)), "8192");
    assertTrue(raw("NONSENSE\r\n\r\n").contains("{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\""));
    Reply head = send(HTTP_1, "HEAD", "/nothing", BodyPublishers.noBody());
    assertEquals(404, head.status());
    assertEquals(0, head.whole().body().length);
  }

  private static String raw(String request) throws IOException {
    try (Socket socket = new Socket("localhost", server.port())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void versionsAreActivated() throws Exception {
    Reply swapped = send(HTTP_1, "POST", "/v1/models/plain/versions/v1:activate", BodyPublishers.noBody());
    assertEquals("v1", swapped.json().get("version").textValue());
    assertEquals("v1", get("/v1/models/plain/activeVersion").json().get("version").textValue());
    assertError(404, "NOT_FOUND",
        send(HTTP_1, "POST", "/v1/models/plain/versions/v9:activate", BodyPublishers.noBody()), "v9");
  }

  @Test
  void healthIsThatOfTheProtocol() throws Exception {
    assertTrue(get("/v2/health/live").json().get("live").booleanValue());
    assertTrue(get("/v2/health/ready").json().get("ready").booleanValue());
    assertEquals(200, get("/v2/models/tiny/ready").status());
    assertEquals(200, get("/v2/models/tiny/versions/v1/ready").status());
    assertEquals(400, get("/v2/models/plain/versions/v3/ready").status());
    assertEquals("lethe", get("/v2").json().get("name").textValue());
    assertTrue(texts(get("/v2/").json().get("extensions")).contains("binary_tensor_data"));
  }

  @Test
  void metadataHasNumbersAndTheProtocolsNames() throws Exception {
    JsonNode metadata = get("/v2/models/tiny").json();
    assertEquals(List.of("seed", "z", "ws", "psi", "label"), metadata.get("inputs").findValuesAsText("name"));
    assertEquals("[-1,16]", metadata.get("inputs").get(1).get("shape").toString());
    assertTrue(get("/v2/models/tiny/config").json().get("max_batch_size").isNumber());
    assertEquals("tiny", get("/v2/models/tiny/versions/v1/stats").json().get("model_stats").get(0).get("name")
        .textValue());
    JsonNode index = post("/v2/repository/index", "{\"ready\":true}").json();
    assertTrue(index.isArray() && index.findValuesAsText("name").contains("tiny"), index.toString());
    Reply refused = get("/v2/models/other");
    assertEquals(404, refused.status());
    assertTrue(refused.json().get("error").textValue().contains("other"));
  }

  @Test
  void inferTakesAndGivesJson() throws Exception {
    JsonNode answer = post("/v2/models/tiny/infer", """
        {"id":"a","inputs":[{"name":"seed","datatype":"INT64","shape":[2,1],"data":[[1],[2]]},
         {"name":"label","datatype":"BYTES","shape":[1],"data":["seven"]}],
         "outputs":[{"name":"png"},{"name":"image"}]}""").json();
    assertEquals("a", answer.get("id").textValue());
    assertEquals("v1", answer.get("model_version").textValue());
    GenerateResponse expected = server.generation().generate(GenerateRequest.newBuilder().setModel("tiny")
        .setSeeds(Seeds.newBuilder().addValues(1).addValues(2)).setLabel("seven").build());
    JsonNode files = answer.get("outputs").get(0);
    assertEquals("[2,1]", files.get("shape").toString());
    assertArrayEquals(expected.getImages(1).getImage().getData().toByteArray(),
        Base64.getDecoder().decode(files.get("data").get(1).textValue()));
    assertEquals(2 * 32 * 32, answer.get("outputs").get(1).get("data").size());
  }

  @Test
  void binaryTensorsAreBehindTheJson() throws Exception {
    byte[] z = new byte[3 * 16 * Float.BYTES];
    ByteBuffer values = ByteBuffer.wrap(z).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 3 * 16; i++) {
      values.putFloat((float) Math.sin(i));
    }
    String json = "{\"inputs\":[{\"name\":\"z\",\"datatype\":\"FP32\",\"shape\":[3,16],\"parameters\":"
        + "{\"binary_data_size\":" + z.length
            + "}},{\"name\":\"label\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[1]}],"
        + "\"parameters\":{\"binary_data_output\":true}}";
    Reply binary = infer(json, z, json.length());
    assertEquals(200, binary.status(), () -> String.valueOf(binary.json()));
    int length = Integer.parseInt(binary.whole().headers().firstValue("inference-header-content-length").orElseThrow());
    JsonNode head = JSON.readTree(Arrays.copyOf(binary.whole().body(), length));
    int size = head.get("outputs").get(0).get("parameters").get("binary_data_size").intValue();
    assertEquals(3 * 32 * 32 * Float.BYTES, size);
    assertEquals(size, binary.whole().body().length - length);
    // The same numbers as in JSON.
    JsonNode plain = infer(json.replace("true", "false"), z, json.length() + 1).json();
    ByteBuffer floats = ByteBuffer.wrap(binary.whole().body(), length, size).order(ByteOrder.LITTLE_ENDIAN);
    for (JsonNode value : plain.get("outputs").get(0).get("data")) {
      assertEquals(floats.getFloat(), value.floatValue());
    }
    assertFalse(floats.hasRemaining());
  }

  private static Reply infer(String json, byte[] behind, int length) throws IOException, InterruptedException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(json.getBytes(StandardCharsets.UTF_8));
    body.writeBytes(behind);
    return send(HTTP_1, "POST", "/v2/models/tiny/infer", BodyPublishers.ofByteArray(body.toByteArray()),
        "inference-header-content-length", Integer.toString(length), "content-type", "application/octet-stream");
  }

  @Test
  void wrongTensorsAreNamed() throws Exception {
    Map<String, String> wrong = Map.of(
        "{\"inputs\":[{\"name\":\"z\",\"datatype\":\"FP32\",\"shape\":[1,16],\"data\":[1,2]}]}",
            "16 values, and data has 2",
        "{\"inputs\":[{\"name\":\"z\",\"datatype\":\"FP32\",\"shape\":[1,16],\"data\":[\"a\"]}]}", "needs 16",
        "{\"inputs\":[{\"name\":\"z\",\"datatype\":\"INT32\",\"shape\":[1],\"data\":[1]}]}", "expected datatype FP32",
        "{\"inputs\":[{\"name\":\"seed\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[1.5]}]}", "whole numbers",
        "{\"inputs\":[{\"name\":\"seed\",\"datatype\":\"INT64\",\"shape\":[1],"
            + "\"parameters\":{\"binary_data_size\":8}}]}",
        "0 that are left",
        "{\"inputs\":7}", "inputs: must be an array",
        "{\"inputs\":[{\"name\":\"seed\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[1]}],"
            + "\"outputs\":[{\"name\":\"x\"}]}",
        "no such output",
        "nothing", "JSON");
    for (Map.Entry<String, String> request : wrong.entrySet()) {
      Reply reply = post("/v2/models/tiny/infer", request.getKey());
      assertEquals(400, reply.status());
      assertTrue(reply.json().get("error").textValue().contains(request.getValue()), reply.json().toString());
    }
    Reply reply = infer("{\"inputs\":[]}", new byte[3], 5000);
    assertTrue(reply.json().get("error").textValue().contains("5000"), reply.json().toString());
  }

  @Test
  void modelsAreUnloadedAndLoaded() throws Exception {
    assertEquals(200, post("/v2/repository/models/plain/unload", "{\"parameters\":{\"unload_dependents\":false}}")
        .status());
    assertEquals(400, get("/v2/models/plain/ready").status());
    assertEquals(200, post("/v2/repository/models/plain/load", "{}").status());
    assertEquals(200, get("/v2/models/plain/ready").status());
  }

  @Test
  void pagesOfOtherOriginsAreRefused() throws Exception {
    String evil = "https://evil.example";
    assertError(403, "PERMISSION_DENIED", get("/v1/models", "origin", evil), evil, "--cors-origins");
    assertTrue(raw("GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .contains("{\"error\":{\"code\":421,\"status\":\"PERMISSION_DENIED\""));
    assertEquals(403, send(HTTP_1, "POST", "/v2/repository/models/plain/unload", BodyPublishers.ofString("{}"),
        "origin", evil, "content-type", "text/plain").status());
    assertEquals(200, get("/v1/models", "origin", "http://localhost:" + server.port()).status());
    HttpResponse<byte[]> preflight = send(HTTP_1, "OPTIONS", "/v1/models", BodyPublishers.noBody(), "origin", evil,
        "access-control-request-method", "POST").whole();
    assertEquals(403, preflight.statusCode());
    assertTrue(preflight.headers().firstValue("access-control-allow-origin").isEmpty());
  }
}
