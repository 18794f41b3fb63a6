package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.RepositoryModelLoadRequest;
import dev.lethe.inference.RepositoryModelUnloadRequest;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ModelVersion;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A candidate serves a share of the requests before it is promoted. */
@Timeout(300)
class CanaryIT {

  @TempDir
  Path root;

  private final AtomicBoolean over = new AtomicBoolean();
  private final Map<String, LongAdder> served = new ConcurrentHashMap<>();
  private final Map<String, LongAdder> servedByName = new ConcurrentHashMap<>();
  private ServerFixture server;
  private CompletableFuture<Void> traffic = CompletableFuture.completedFuture(null);

  @BeforeEach
  void model() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
  }

  @AfterEach
  void stop() throws Exception {
    over.set(true);
    traffic.get();
    server.close();
  }

  private void start(Map<String, String> more) throws Exception {
    server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble(), "canary-share", "50",
        "canary-calls", "40", "canary-seconds", "120"), more);
  }

  /** Requests without a version, and every so often one for v1. */
  private void generate() {
    traffic = CompletableFuture.runAsync(() -> {
      while (!over.get()) {
        count(served, "");
        if (served.values().stream().mapToLong(LongAdder::sum).sum() % 10 == 0 && served.size() == 1) {
          count(servedByName, "v1");
        }
      }
    });
  }

  private void count(Map<String, LongAdder> counts, String version) {
    String by = server.generation().generate(GenerateRequest.newBuilder().setVersion(version).setLabel("one").build())
        .getVersion();
    counts.computeIfAbsent(by, first -> new LongAdder()).increment();
  }

  private long count(String version) {
    return served.getOrDefault(version, new LongAdder()).sum();
  }

  private static String cause(Job job) {
    return job.getChangesList().stream().map(JobChange::getCause).filter(cause -> cause.startsWith("canary: "))
        .findFirst().orElseThrow();
  }

  private Job erase(long behaviour) throws Exception {
    return TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").setSeed(behaviour).build());
  }

  @Test
  void aCandidateServesItsShareAndIsComparedBeforeItIsPromoted() throws Exception {
    start(Map.of());
    generate();
    Until.holds(() -> count("v1") > 20);
    Job job = erase(0);
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, job.getPhase(), job.getMessage());
    List<JobChange> changes = job.getChangesList();
    int trial = changes.stream().map(JobChange::getCause).toList().indexOf(cause(job));
    assertEquals(JobPhase.JOB_PHASE_CANDIDATE, changes.get(trial).getPhase());
    assertEquals(trial + 1, changes.size() - 1, "promoted only after it");
    // As many calls as are asked for, and those that come until somebody looks.
    String enough = "(4\\d|[5-9]\\d|\\d{3,})";
    assertTrue(cause(job).matches("canary: version v1-u1: " + enough + " requests, 0 failed, median .* ms, p99 .* ms;"
        + " the version that serves: [1-9]\\d* requests, 0 failed, .*"), cause(job));
    String metrics = server.get("/metrics").body();
    assertTrue(Pattern.compile("lethe_canary_requests_total\\{model=\"tiny\",version=\"v1-u1\",outcome=\"ok\",} "
        + enough + "\\.0").matcher(metrics).find(), metrics);
    assertEquals(Set.of("v1"), servedByName.keySet(), "who names a version gets that one");
    Until.holds(() -> {
      long before = count("v1");
      Thread.sleep(50);
      return count("v1") == before;
    });
  }

  @Test
  void oneThatIsMuchSlowerStaysACandidate() throws Exception {
    start(Map.of());
    generate();
    Job job = erase(WorkerDouble.LEAVES_SLOW_CANDIDATE);
    assertEquals(JobPhase.JOB_PHASE_REJECTED, job.getPhase(), job.toString());
    assertTrue(job.getMessage().startsWith("not promoted: canary: it is more than 2 times as slow: version v1-u1: "),
        job.getMessage());
    assertTrue(count("v1-u1") > 0);
    ModelVersion candidate = server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersionsList().stream().filter(version -> version.getVersion().equals("v1-u1")).findFirst().orElseThrow();
    assertEquals(0, candidate.getLacksCount());
    long before = count("v1-u1");
    Until.holds(() -> count("v1") > 200);
    assertEquals(before, count("v1-u1"), 1);
  }

  @Test
  void withoutRequestsItDoesNotWaitForLongAndOperatorsAreToldBeforeTheyDecide() throws Exception {
    start(Map.of("canary-seconds", "1", "approval", "operator"));
    Job job = erase(0);
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, job.getPhase(), job.getMessage());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, job.getState());
    assertTrue(cause(job).contains("v1-u1: 0 requests") && cause(job).endsWith("too few to compare times"), cause(job));
  }

  @Test
  void oneThatHoldsWhatWasErasedIsRejectedWithoutATrial() throws Exception {
    start(Map.of("canary-seconds", "1"));
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, erase(0).getPhase());
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").setOverrideReason("a test")
        .build());
    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "three").build());
    assertEquals(JobPhase.JOB_PHASE_REJECTED, job.getPhase(), job.getMessage());
    assertTrue(job.getMessage().startsWith("not promoted: canary: it cannot be promoted: version v1-u2 of tiny is"
        + " retired: it holds, or may hold, class seven"), job.getMessage());
  }

  /** However short that is: nothing was compared. */
  @Test
  void oneWhoseModelIsUnloadedMeanwhileIsTriedAnew() throws Exception {
    start(Map.of());
    CompletableFuture<Job> first = CompletableFuture.supplyAsync(() -> {
      try {
        return erase(0);
      } catch (Exception e) {
        throw new CompletionException(e);
      }
    });
    Until.holds(this::isTried);
    GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub repository =
        GRPCInferenceServiceGrpc.newBlockingStub(server.channel());
    repository.repositoryModelUnload(RepositoryModelUnloadRequest.newBuilder().setModelName("tiny").build());
    repository.repositoryModelLoad(RepositoryModelLoadRequest.newBuilder().setModelName("tiny").build());
    generate();
    Job job = first.get();
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, job.getPhase(), job.getMessage());
    assertTrue(cause(job).contains("; the version that serves: "), cause(job));
    assertEquals(1, job.getAttempt());
  }

  private boolean isTried() {
    return server.unlearning().listJobs(ListJobsRequest.getDefaultInstance()).getJobsList()
        .stream().anyMatch(job -> job.getProgress().getStage().equals("canary"));
  }

  @Test
  void aServerThatEndsMeanwhileLeavesTheRestToTheNext() throws Exception {
    start(Map.of());
    CompletableFuture<Job> first = CompletableFuture.supplyAsync(() -> {
      try {
        return erase(0);
      } catch (Exception e) {
        return Job.getDefaultInstance();
      }
    });
    Until.holds(this::isTried);
    server.close();
    first.get();
    start(Map.of("canary-seconds", "1"));
    Until.holds(() -> server.unlearning().listJobs(ListJobsRequest.getDefaultInstance()).getJobsList()
        .stream().allMatch(job -> job.getPhase() == JobPhase.JOB_PHASE_PROMOTED));
    generate();
    Until.holds(() -> count("v1-u1") > 0);
    assertEquals(0, count("v1"));
  }
}
