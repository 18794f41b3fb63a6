package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.ServerProcess;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.TestDatabases;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills at random moments, of a server's process, a worker's and both, while jobs are submitted and carried out. Nothing
 * that was accepted may be lost, promoted twice or left behind. The properties {@code lethe.faults.kills} and {@code
 * lethe.faults.seed} say how often and when; {@code scripts/check-faults} asks for the long form.
 */
class FaultIT {

  private static final int KILLS = Integer.getInteger("lethe.faults.kills", 6);
  private static final long SEED = Long.getLong("lethe.faults.seed", System.nanoTime());
  private static final int LONGEST_WAIT_MS = 2500;
  private static final int AT_ONCE = 3;
  private static final long LONGEST_END_S = 300;

  private enum Victim { SERVER, WORKER, BOTH, SERVER_BY_SIGTERM }

  @TempDir
  Path root;

  private Path at;
  private List<String> settings;
  private ServerProcess server;
  private final Set<String> accepted = new LinkedHashSet<>();
  private long images;

  @TestFactory
  Stream<DynamicTest> nothingThatWasAcceptedIsLost() {
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url + ", seed " + SEED + ", kills " + KILLS,
        () -> kill(url)));
  }

  private void kill(DatabaseUrl url) throws Exception {
    at = Files.createDirectory(root.resolve(url.isShared() ? "postgresql" : "sqlite"));
    TinyBundles.conditional(at.resolve("models"), "v1", 7);
    Path worker = at.resolve("quick-worker.sh");
    try (InputStream script = FaultIT.class.getResourceAsStream("quick-worker.sh")) {
      Files.copy(script, worker);
    }
    settings = List.of("--database=" + url.text(), "--worker-command=sh \"" + worker + "\"", "--worker-attempts=1000",
        "--drain=1", "--threads=1");
    accepted.clear();
    Random random = new Random(SEED);
    Map<Victim, Integer> kills = new TreeMap<>();
    start();
    try {
      for (int kill = 0; kill < KILLS; kill++) {
        while (open().size() < AT_ONCE) {
          submit();
        }
        Thread.sleep(random.nextInt(LONGEST_WAIT_MS));
        Victim victim = Victim.values()[random.nextInt(Victim.values().length)];
        kills.merge(victim, 1, Integer::sum);
        strike(victim);
      }
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_END_S);
      while (!open().isEmpty()) {
        if (System.nanoTime() > limit) {
          fail("not ended after " + LONGEST_END_S + " s: " + open() + "\n" + Files.readString(server.log()));
        }
        Thread.sleep(200);
      }
      check();
      System.out.println("faults: " + url + ": " + kills + ", " + accepted.size() + " jobs accepted, 0 lost; "
          + jobs().values().stream().mapToInt(Job::getAttempt).sum() + " workers");
    } finally {
      server.close();
    }
  }

  private void start() throws IOException {
    server = ServerProcess.start(at, List.of("-XX:+UseSerialGC", "-Xmx256m"), settings);
  }

  private void strike(Victim victim) throws Exception {
    if (victim == Victim.SERVER_BY_SIGTERM) {
      server.process().destroy();
      assertTrue(server.process().waitFor(60, TimeUnit.SECONDS), "it does not heed SIGTERM");
    } else {
      List<ProcessHandle> workers = victim == Victim.SERVER ? List.of() : workers();
      if (victim != Victim.WORKER) {
        server.process().destroyForcibly().waitFor();
      }
      workers.forEach(ProcessHandle::destroyForcibly);
    }
    if (victim != Victim.WORKER) {
      server.close();
      start();
    }
  }

  /** Processes that were started with a job's folder. */
  private List<ProcessHandle> workers() {
    return ProcessHandle.allProcesses().filter(process -> process.info().arguments()
        .filter(words -> Arrays.stream(words).anyMatch(word -> word.startsWith(at.resolve("jobs").toString() + "/")))
        .isPresent()).toList();
  }

  private void submit() {
    accepted.add(Submission.send(server.channel(), Submission.of(UnlearnSpec.getDefaultInstance()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(Submission.pixels(images++), "one")))
        .orTimeout(60, TimeUnit.SECONDS).join().getId());
  }

  private Map<String, Job> jobs() {
    return UnlearningServiceGrpc.newBlockingStub(server.channel()).listJobs(ListJobsRequest.getDefaultInstance())
        .getJobsList().stream().collect(Collectors.toMap(Job::getId, Function.identity()));
  }

  private List<String> open() {
    return jobs().values().stream().filter(job -> !job.hasEnded()).map(Job::getId).toList();
  }

  private void check() throws IOException {
    Map<String, Job> jobs = jobs();
    assertTrue(jobs.keySet().containsAll(accepted), () -> "lost: " + accepted + " is not in " + jobs.keySet());
    Map<String, String> versions = new HashMap<>();
    for (Job job : jobs.values()) {
      List<JobPhase> phases = job.getChangesList().stream().map(JobChange::getPhase).toList();
      assertEquals(JobPhase.JOB_PHASE_PROMOTED, job.getPhase(), job::toString);
      assertEquals(1, phases.stream().filter(phase -> phase == JobPhase.JOB_PHASE_PROMOTED).count(), job::toString);
      assertEquals(null, versions.put(job.getNewVersion(), job.getBaseVersion()), job::toString);
    }
    // Each was made from the one before it: a chain, of which no link is lost or double.
    Set<String> chain = new HashSet<>();
    String version = GenerationServiceGrpc.newBlockingStub(server.channel())
        .generate(GenerateRequest.getDefaultInstance()).getVersion();
    for (; !version.equals("v1"); version = versions.get(version)) {
      assertTrue(versions.containsKey(version), version + " is of no job");
      assertTrue(chain.add(version));
      Bundle.open(at.resolve("state/tiny").resolve(version)).verify();
    }
    assertEquals(versions.keySet(), chain);
    try (Stream<Path> bundles = Files.list(at.resolve("state/tiny"))) {
      assertEquals(chain, bundles.filter(Files::isDirectory).map(path -> path.getFileName().toString())
          .collect(Collectors.toSet()), "a version of no job");
    }
    assertEquals(List.of(), workers().stream().map(process -> process.info().toString()).toList(), "orphans");
    List<String> left = new ArrayList<>();
    try (Stream<Path> files = Files.walk(at.resolve("jobs"))) {
      files.filter(path -> path.getFileName().toString().startsWith(".upload-") || path.endsWith("candidate"))
          .forEach(path -> left.add(path.toString()));
    }
    assertEquals(List.of(), left);
  }
}
