package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.util.Timestamps;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.architecture.Precision;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.inference.Compute;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.lifecycle.TestLives;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ModelRepository;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** In what order jobs run, and what becomes of them at the end and the next start of a server. */
@Timeout(120)
class JobQueueTest {

  @TempDir
  Path root;

  private final Vertx vertx = Vertx.vertx();
  private final ServerMetrics metrics = new ServerMetrics();
  private InferenceEngine engine;
  private ModelRegistry registry;
  private JobStore store;
  private JobQueue queue;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    engine = new InferenceEngine(new Compute(ExecutionDevice.CPU, 1, Precision.FP32, Compute.Graphs.AUTO),
        new BatchingOptions(1, Duration.ZERO, 1, 100), Map.of(), metrics, Tracing.off().tracer());
    registry = ModelRegistry.open(vertx, new ModelRepository(root.resolve("models"), root.resolve("state")), engine,
        metrics, TestLives.lifecycle(), TestLives.signatory(root));
    store = new JobStore(root.resolve("jobs"));
    queue = queue();
  }

  /** Its worker writes down which job it was started for, waits for the file {@code go}, and fails. */
  private JobQueue queue() {
    return new JobQueue(store, registry, Optional.of(new WorkerCommand(List.of("sh", "-c",
        "basename \"$0\" >> " + root.resolve("started") + "; while [ ! -e " + root.resolve("go")
            + " ]; do sleep 0.02; done; exit 1"))), metrics, new AuditLog(entry -> { }));
  }

  @AfterEach
  void stop() throws Exception {
    queue.close();
    engine.close();
    await(registry.close());
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private Job job(String id, JobState state, long second) {
    return Job.newBuilder().setId(id).setState(state).setSubmitted(Timestamps.fromSeconds(second))
        .setSpec(UnlearnSpec.newBuilder().setModel("tiny")).build();
  }

  private void submit(String id, long second) throws IOException {
    queue.submit(store.beginUpload(id), job(id, JobState.JOB_STATE_QUEUED, second), WorkerJob.newBuilder()
        .setJobId(id).build());
  }

  /** A job as an earlier server left it. */
  private void leave(String id, JobState state, long second) throws IOException {
    JobDirectory upload = store.beginUpload(id);
    upload.write(WorkerJob.newBuilder().setJobId(id).build());
    upload.write(job(id, state, second));
    store.commit(upload, id);
  }

  private List<String> started() throws IOException {
    Path file = root.resolve("started");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  private void go() throws IOException {
    Files.createFile(root.resolve("go"));
  }

  @Test
  void jobsRunOneAtATimeInTheOrderOfSubmission() throws Exception {
    submit("b", 1);
    submit("a", 2);
    submit("c", 3);
    Until.holds(() -> started().equals(List.of("b")));
    assertEquals(JobState.JOB_STATE_RUNNING, queue.job("b").job().getState());
    assertEquals("v1", queue.job("b").job().getBaseVersion());
    assertEquals(JobState.JOB_STATE_QUEUED, queue.job("a").job().getState());
    assertEquals(List.of("c", "a", "b"), queue.newestFirst().stream().map(job -> job.job().getId()).toList());
    assertTrue(metrics.text().contains("lethe_unlearning_jobs{state=\"queued\",} 2.0"), metrics::text);
    go();
    for (String id : List.of("b", "a", "c")) {
      assertEquals(JobState.JOB_STATE_FAILED, await(queue.job(id).ended()).getState());
    }
    assertEquals(List.of("b", "a", "c"), started());
    assertTrue(queue.job("b").job().getMessage().contains("exited with status 1"), queue.job("b").job().getMessage());
  }

  @Test
  void aCancelledJobNeverStartsAndTheNextOneDoes() throws Exception {
    submit("first", 1);
    submit("second", 2);
    submit("third", 3);
    Until.holds(() -> started().size() == 1);
    assertEquals(JobState.JOB_STATE_CANCELLED, await(queue.cancel("second")).getState());
    assertEquals(JobState.JOB_STATE_CANCELLED, await(queue.cancel("first")).getState());
    go();
    await(queue.job("third").ended());
    assertEquals(List.of("first", "third"), started());
    ExecutionException late = assertThrows(ExecutionException.class, () -> await(queue.cancel("second")));
    assertEquals(Code.FAILED_PRECONDITION, Status.fromThrowable(late.getCause()).getCode());
    assertEquals(Code.NOT_FOUND, Status.fromThrowable(assertThrows(RuntimeException.class,
        () -> queue.cancel("nothing"))).getCode());
  }

  @Test
  void aStartTakesUpWhatWaitedByAgeAndFailsWhatRan() throws Exception {
    leave("young", JobState.JOB_STATE_QUEUED, 5);
    leave("old", JobState.JOB_STATE_QUEUED, 4);
    leave("ran", JobState.JOB_STATE_RUNNING, 3);
    leave("done", JobState.JOB_STATE_SUCCEEDED, 2);
    leave("unreadable", JobState.JOB_STATE_QUEUED, 1);
    Files.writeString(root.resolve("jobs/unreadable/status.json"), "{");
    go();
    queue.recover();
    await(queue.job("young").ended());
    assertEquals(List.of("old", "young"), started());
    assertEquals(JobState.JOB_STATE_FAILED, queue.job("ran").job().getState());
    assertEquals(JobState.JOB_STATE_FAILED, queue.job("ran").directory().job().getState());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, queue.job("done").job().getState());
    assertEquals(4, queue.newestFirst().size());
  }

  @Test
  void theEndOfTheServerFailsWhatRunsAndKeepsWhatWaits() throws Exception {
    submit("runs", 1);
    submit("waits", 2);
    Until.holds(() -> started().size() == 1);
    queue.close();
    assertEquals(JobState.JOB_STATE_FAILED, queue.job("runs").directory().job().getState());
    assertEquals(JobState.JOB_STATE_QUEUED, queue.job("waits").directory().job().getState());
    assertEquals(List.of("runs"), started());
    queue = queue();
    go();
    queue.recover();
    await(queue.job("waits").ended());
    assertEquals(List.of("runs", "waits"), started());
  }
}
