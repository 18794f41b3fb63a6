package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.RepositoryModelUnloadRequest;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.ServerProcess;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.TestDatabases;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/** Two servers on one PostgreSQL, with the same folders; {@code lethe.cluster.jobs} jobs, by default 6. */
@EnabledIfEnvironmentVariable(named = "LETHE_TEST_POSTGRES", matches = ".+")
class ClusterIT {

  private static final int JOBS = Integer.getInteger("lethe.cluster.jobs", 6);
  private static final long PATIENCE_S = 60 + 20L * JOBS;
  private static final long FOLLOWED_WITHIN_S = 5;

  @TempDir
  Path root;

  @Test
  void eachJobRunsOnceAndAPromotionOfOneIsServedByTheOther() throws Exception {
    DatabaseUrl database = TestDatabases.postgresql().orElseThrow();
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Path worker = root.resolve("quick-worker.sh");
    try (InputStream script = ClusterIT.class.getResourceAsStream("quick-worker.sh")) {
      Files.copy(script, worker);
    }
    List<String> settings = List.of("--database=" + database.text(), "--worker-command=sh \"" + worker + "\"",
        "--threads=1");
    List<String> java = List.of("-XX:+UseSerialGC", "-Xmx256m");
    try (ServerProcess first = ServerProcess.start(root, java, settings);
        ServerProcess second = ServerProcess.start(root, java, settings)) {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < JOBS; i++) {
        ids.add(submit(i % 2 == 0 ? first : second, i));
      }
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
      // The one that carries a job out may tell its end a moment after the database does.
      while (Stream.of(first, second).flatMap(server -> jobs(server).stream()).anyMatch(job -> !job.hasEnded())) {
        assertTrue(System.nanoTime() < limit, () -> "not ended: " + jobs(first));
        Thread.sleep(100);
      }
      List<Job> ended = jobs(second);
      assertEquals(Set.copyOf(ids), new HashSet<>(ended.stream().map(Job::getId).toList()));
      Set<String> versions = new HashSet<>();
      for (Job job : ended) {
        assertEquals(JobPhase.JOB_PHASE_PROMOTED, job.getPhase(), job::toString);
        assertEquals(1, job.getAttempt(), job::toString);
        assertTrue(versions.add(job.getNewVersion()), job::toString);
      }
      String newest = "v1-u" + JOBS;
      long promoted = System.nanoTime();
      while (!version(first).equals(newest) || !version(second).equals(newest)) {
        assertTrue(System.nanoTime() - promoted < TimeUnit.SECONDS.toNanos(FOLLOWED_WITHIN_S),
            () -> version(first) + " and " + version(second) + " serve, not " + newest);
        Thread.sleep(50);
      }
      ModelServiceGrpc.newBlockingStub(first.channel()).retire(RetireRequest.newBuilder()
          .setVersion("v1-u1").setReason("it draws badly").build());
      long retired = System.nanoTime();
      while (draws(second, "v1-u1")) {
        assertTrue(System.nanoTime() - retired < TimeUnit.SECONDS.toNanos(FOLLOWED_WITHIN_S),
            "what one server has retired is served by the other");
        Thread.sleep(50);
      }
      assertEquals(Code.FAILED_PRECONDITION, assertThrows(StatusRuntimeException.class, () ->
          ModelServiceGrpc.newBlockingStub(second.channel()).activate(ActivateRequest.newBuilder().setVersion("v1-u1")
              .build())).getStatus().getCode());
    }
  }

  @Test
  void aServerThatHasNotLoadedAModelLeavesItsJobsToOthers() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Map<String, String> settings = Map.of("database", TestDatabases.postgresql().orElseThrow().text(),
        "worker-command", TestErasures.workerDouble());
    try (ServerFixture serves = ServerFixture.start(root, settings);
        ServerFixture lacks = ServerFixture.start(root, settings)) {
      GRPCInferenceServiceGrpc.newBlockingStub(lacks.channel()).repositoryModelUnload(
          RepositoryModelUnloadRequest.newBuilder().setModelName("tiny").build());
      for (String name : List.of("one", "two", "three")) {
        Submission.send(serves.channel(), Submission.of(TestErasures.ofClass("tiny", name).build())).join();
      }
      Until.holds(() -> serves.unlearning().listJobs(ListJobsRequest.getDefaultInstance()).getJobsList().stream()
          .allMatch(Job::hasEnded));
      for (Job job : serves.unlearning().listJobs(ListJobsRequest.getDefaultInstance()).getJobsList()) {
        assertEquals(JobPhase.JOB_PHASE_PROMOTED, job.getPhase(), job.getMessage());
      }
    }
  }

  private static boolean draws(ServerProcess server, String version) {
    try {
      GenerationServiceGrpc.newBlockingStub(server.channel()).generate(
          GenerateRequest.newBuilder().setVersion(version).build());
      return true;
    } catch (StatusRuntimeException e) {
      assertEquals(Code.FAILED_PRECONDITION, e.getStatus().getCode(), e.getMessage());
      return false;
    }
  }

  private static String version(ServerProcess server) {
    return GenerationServiceGrpc.newBlockingStub(server.channel()).generate(GenerateRequest.getDefaultInstance())
        .getVersion();
  }

  private static List<Job> jobs(ServerProcess server) {
    return UnlearningServiceGrpc.newBlockingStub(server.channel()).listJobs(ListJobsRequest.getDefaultInstance())
        .getJobsList();
  }

  private static String submit(ServerProcess server, int seed) {
    return Submission.send(server.channel(), Submission.of(UnlearnSpec.getDefaultInstance()),
        Submission.images(ImageRole.IMAGE_ROLE_UNSPECIFIED, Submission.labelled(Submission.pixels(seed), "one")))
        .orTimeout(60, TimeUnit.SECONDS).join().getId();
  }
}
