package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ModelServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** SIGTERM to the real process, and what it writes to its log. */
@Timeout(120)
class DrainIT {

  @TempDir
  Path root;

  private ServerProcess server;
  private Path log;
  private Process process;
  private ManagedChannel channel;

  @BeforeEach
  void prepare() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
  }

  private void start(String... more) throws IOException {
    List<String> settings = new ArrayList<>(List.of("--rate-images=20"));
    settings.addAll(List.of(more));
    server = ServerProcess.start(root, List.of(), settings);
    process = server.process();
    channel = server.channel();
    log = server.log();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** At 20 images a second, with 20 at once. */
  private Iterator<GeneratedImage> stream(int count) {
    return GenerationServiceGrpc.newBlockingStub(channel)
        .generateStream(GenerateRequest.newBuilder().setCount(count).build());
  }

  @Test
  void sigtermLetsCallsInFlightEndAndTakesNoMore() throws Exception {
    start("--drain=60");
    Iterator<HealthCheckResponse> health =
        HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, health.next().getStatus());
    Iterator<GeneratedImage> images = stream(60);
    images.next();
    process.destroy();
    assertEquals(ServingStatus.NOT_SERVING, health.next().getStatus());
    int received = 1;
    while (images.hasNext()) {
      images.next();
      received++;
    }
    assertEquals(60, received);
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
    assertEquals(0, process.exitValue());
    assertThrows(StatusRuntimeException.class, () -> stream(1).next());
  }

  @Test
  void theDrainHasALimit() throws Exception {
    start("--drain=1");
    Iterator<GeneratedImage> images = stream(100_000);
    images.next();
    long asked = System.nanoTime();
    process.destroy();
    assertThrows(StatusRuntimeException.class, () -> images.forEachRemaining(image -> { }));
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
    double seconds = (System.nanoTime() - asked) / 1e9;
    assertTrue(seconds >= 1, () -> "ended after " + seconds + " s");
  }

  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    start("--drain=60");
    Iterator<GeneratedImage> images = stream(100_000);
    images.next();
    process.destroy();
    // The same signal twice before the first is taken is one.
    while (!read(log).contains("draining")) {
      Thread.sleep(20);
    }
    process.destroy();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
    assertEquals(128 + 15, process.exitValue());
  }

  @Test
  void theLogIsJsonWhereItIsAskedFor() throws Exception {
    start("--log-format=json", "--drain=1");
    ModelServiceGrpc.newBlockingStub(channel)
        .activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").build());
    process.destroy();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
    ObjectMapper json = new ObjectMapper();
    boolean ordered = false;
    boolean audited = false;
    for (String line : Files.readAllLines(log)) {
      JsonNode entry = json.readTree(line);
      ordered |= entry.path("formattedMessage").asText().startsWith("tiny: version v1 is to be activated")
          && entry.path("mdc").path("request_id").asText().matches("[0-9a-f]{16}");
      audited |= entry.path("operation").asText().equals("lethe.v1.ModelService/Activate");
    }
    assertTrue(ordered && audited, () -> read(log));
  }

  @Test
  void aClientCanNeitherForgeALineOfTheLogNorWriteALongOne() throws Exception {
    for (String format : List.of("text", "json")) {
      start("--log-format=" + format, "--drain=1");
      var models = ModelServiceGrpc.newBlockingStub(channel);
      String forged = "{\"event\":\"call\",\"principal\":\"somebody else\"}";
      for (String name : List.of("v9\n" + forged, "v9\r" + forged, "v9\u2028" + forged, "v".repeat(4_000_000))) {
        assertThrows(StatusRuntimeException.class, () -> models.activate(
            ActivateRequest.newBuilder().setModel("tiny").setVersion(name).build()));
        assertThrows(StatusRuntimeException.class, () -> models.activate(
            ActivateRequest.newBuilder().setModel(name).setVersion("v1").build()));
      }
      process.destroy();
      assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
      int audited = 0;
      for (String line : Files.readString(log).split("[\n\r\u2028]")) {
        assertTrue(line.length() < 10_000, () -> "a line of " + line.length() + " characters");
        assertTrue(!line.startsWith(forged), line);
        audited += line.contains("\"operation\":\"lethe.v1.ModelService/Activate\"") ? 1 : 0;
      }
      assertEquals(8, audited);
    }
  }
}
