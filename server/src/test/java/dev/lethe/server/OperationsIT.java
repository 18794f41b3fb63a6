package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.protobuf.ByteString;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.unlearning.TestErasures;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UploadedImages;
import dev.lethe.v1.WatchRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What an operator sees of a server after generation, swaps, refusals and an unlearning job: audit log, metrics. */
@Timeout(180)
class OperationsIT {

  private static final Path MONITORING = Path.of("../k8s/monitoring");
  private static final Pattern METRIC = Pattern.compile("\\b(?:lethe|jvm|process)_[a-z_]+\\b");

  @TempDir
  static Path root;

  private static final ListAppender<ILoggingEvent> audit = new ListAppender<>();
  private static final List<JsonNode> audited = new ArrayList<>();
  private static ServerFixture server;
  private static Job job;
  private static String metrics;

  @BeforeAll
  static void operate() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    TinyBundles.conditional(root.resolve("models"), "v2", 8);
    audit.start();
    ((Logger) LoggerFactory.getLogger(AuditLog.NAME)).addAppender(audit);
    // A candidate that no request comes to, so that all metrics are there.
    server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble(), "canary-share", "50",
        "canary-seconds", "1"));

    server.generation().generate(GenerateRequest.newBuilder().setCount(3).build());
    server.generation().generateStream(GenerateRequest.newBuilder().setCount(3).build())
        .forEachRemaining((GeneratedImage image) -> { });
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").build());
    assertThrows(StatusRuntimeException.class, () -> server.models()
        .activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v\"9").build()));
    job = unlearn();
    // Who watches a job may hear of its end before the log has it.
    Until.holds(() -> List.copyOf(audit.list).stream()
        .anyMatch(line -> line.getFormattedMessage().contains("\"operation\":\"unlearn\"")));
    metrics = server.get("/metrics").body();
    ObjectMapper json = new ObjectMapper();
    for (ILoggingEvent line : List.copyOf(audit.list)) {
      audited.add(json.readTree(line.getFormattedMessage()));
    }
  }

  @AfterAll
  static void stop() {
    ((Logger) LoggerFactory.getLogger(AuditLog.NAME)).detachAppender(audit);
    server.close();
  }

  private static Job unlearn() throws Exception {
    CompletableFuture<Job> submitted = new CompletableFuture<>();
    StreamObserver<SubmitRequest> upload =
        UnlearningServiceGrpc.newStub(server.channel()).submit(new StreamObserver<>() {
          @Override
          public void onNext(Job answer) {
            submitted.complete(answer);
          }

          @Override
          public void onError(Throwable t) {
            submitted.completeExceptionally(t);
          }

          @Override
          public void onCompleted() {}
        });
    upload.onNext(SubmitRequest.newBuilder().setSpec(UnlearnSpec.newBuilder().setModel("tiny").setSeed(0)).build());
    for (ImageRole role : List.of(ImageRole.IMAGE_ROLE_UNLEARN, ImageRole.IMAGE_ROLE_LEARN)) {
      byte[] pixels = new byte[32 * 32];
      pixels[0] = (byte) role.getNumber();
      upload.onNext(SubmitRequest.newBuilder().setImages(UploadedImages.newBuilder().setRole(role).addImages(
          LabelledImage.newBuilder().setLabel("seven").setImage(Image.newBuilder()
              .setData(ByteString.copyFrom(ImageEncoder.png(pixels, 1, 32, 32)))))).build());
    }
    upload.onCompleted();
    String id = submitted.get(60, TimeUnit.SECONDS).getId();
    Job[] last = new Job[1];
    server.unlearning().watch(WatchRequest.newBuilder().setJobId(id).build())
        .forEachRemaining(event -> last[0] = event.getJob());
    return last[0];
  }

  private static JsonNode audited(String operation, String outcome) {
    List<JsonNode> lines = audited.stream().filter(line -> line.path("operation").asText().equals(operation)
        && line.path("outcome").asText().equals(outcome)).toList();
    assertEquals(1, lines.size(), audited::toString);
    JsonNode line = lines.get(0);
    assertEquals("anonymous", line.path("principal").asText());
    assertFalse(line.path("time").asText().isEmpty());
    return line;
  }

  @Test
  void everyOrderLeavesALineInTheAuditLog() {
    assertEquals(JobState.JOB_STATE_SUCCEEDED, job.getState(), job.getMessage());
    assertEquals("anonymous", job.getSubmittedBy());

    JsonNode swap = audited("lethe.v1.ModelService/Activate", "OK");
    assertEquals("tiny v1 v2", swap.path("model").asText() + " " + swap.path("version").asText() + " "
        + swap.path("previous_version").asText());
    assertTrue(swap.path("remote").asText().startsWith("127.0.0.1:"), swap::toString);
    assertFalse(swap.path("request_id").asText().isEmpty());

    JsonNode refused = audited("lethe.v1.ModelService/Activate", Status.Code.NOT_FOUND.name());
    assertEquals("v\"9", refused.path("version").asText());
    assertTrue(refused.path("message").asText().contains("has no version"), refused::toString);

    JsonNode submitted = audited("lethe.v1.UnlearningService/Submit", "OK");
    assertEquals(job.getId(), submitted.path("job_id").asText());
    assertEquals("tiny v1 item 1 1", String.join(" ", submitted.path("model").asText(),
        submitted.path("version").asText(), submitted.path("kind").asText(), submitted.path("images").asText(),
        submitted.path("learn_images").asText()));
    JsonNode end = audited("unlearn", "succeeded");
    assertEquals("item", end.path("kind").asText());
    assertEquals(job.getId(), end.path("job_id").asText());
    assertEquals("tiny v1 v1-u1 true", end.path("model").asText() + " " + end.path("base_version").asText() + " "
        + end.path("new_version").asText() + " " + end.path("promoted").asText());
    assertEquals(4, audited.size(), audited::toString);
  }

  @Test
  void theDocumentedMetricsAreThoseOfTheServer() throws IOException {
    Map<String, String> documented = new TreeMap<>();
    Matcher rows = Pattern.compile("^\\| `(lethe_\\w+)` \\| (\\w+) \\| ([^|]*)\\|", Pattern.MULTILINE)
        .matcher(Files.readString(Path.of("../docs/metrics.md")));
    while (rows.find()) {
      Set<String> labels = new TreeSet<>(Pattern.compile("\\w+").matcher(rows.group(3)).results()
          .map(MatchResult::group).toList());
      documented.put(rows.group(1), rows.group(2) + " " + labels);
    }
    // Those of GPUs are only there with one, and have a test of their own.
    Map<String, String> exported = exported();
    List.of(documented, exported).forEach(names -> names.keySet().removeIf(name -> name.startsWith("lethe_gpu_")));
    assertEquals(documented, exported);
  }

  /** Type and labels of the server's own metrics, by name. */
  private static Map<String, String> exported() {
    Map<String, String> exported = new TreeMap<>();
    Matcher types = Pattern.compile("^# TYPE (lethe_\\w+) (\\w+)$", Pattern.MULTILINE).matcher(metrics);
    while (types.find()) {
      String name = types.group(1);
      if (name.endsWith("_created")) {
        continue;
      }
      Set<String> labels = new TreeSet<>();
      Matcher samples = Pattern.compile("^" + name + "(?:_bucket|_sum|_count)?\\{([^}]*)}", Pattern.MULTILINE)
          .matcher(metrics);
      while (samples.find()) {
        Pattern.compile("(\\w+)=\"").matcher(samples.group(1)).results().map(label -> label.group(1))
            .filter(label -> !label.equals("le")).forEach(labels::add);
      }
      exported.put(name, types.group(2) + " " + labels);
    }
    return exported;
  }

  @Test
  void dashboardAndAlertsAskForWhatIsThere() throws IOException {
    Set<String> samples = new TreeSet<>(Pattern.compile("^([a-z_]+)[{ ]", Pattern.MULTILINE).matcher(metrics)
        .results().map(sample -> sample.group(1)).toList());
    for (JsonNode tree : List.of(new ObjectMapper().readTree(MONITORING.resolve("dashboard.json").toFile()),
        new YAMLMapper().readTree(MONITORING.resolve("alerts.yaml").toFile()))) {
      List<String> expressions = tree.findValuesAsText("expr");
      assertTrue(expressions.size() > 5, tree::toString);
      for (String expression : expressions) {
        List<String> asked = METRIC.matcher(expression).results().map(MatchResult::group).toList();
        assertTrue(samples.containsAll(asked), () -> expression + " asks for one that is not exported: " + asked);
      }
    }
  }
}
