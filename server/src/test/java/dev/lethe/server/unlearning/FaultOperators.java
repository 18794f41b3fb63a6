package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerProcess;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.RejectJobRequest;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UnlearningServiceGrpc.UnlearningServiceBlockingStub;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * Two operators who approve and reject at random, each on a server of its own or both on one, and clients who look all
 * the while at what is served; whatever befalls the servers. What a server has answered must hold ever after.
 */
final class FaultOperators implements AutoCloseable {

  /** What may become of a call whose server is killed or stopped, or whose order came too late. */
  private static final Set<Code> EXPECTED = Set.of(Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.FAILED_PRECONDITION);
  private static final long PATIENCE_S = 40;
  private static final int LOOK_MS = 100;
  private static final int NEWEST = 10;

  private final List<Thread> threads = new ArrayList<>();
  // Of orders that a server has carried out, by its own word.
  private final Set<String> approved = ConcurrentHashMap.newKeySet();
  private final Set<String> rejected = ConcurrentHashMap.newKeySet();
  /** By server, one after the other, each once in a row; since clients name no version, it is the active one. */
  private final List<Queue<String>> served = new ArrayList<>();
  // What a server had promoted when it was asked for an image next, and what it drew.
  private final Queue<Map.Entry<String, String>> answered = new ConcurrentLinkedQueue<>();
  private final Queue<String> faults = new ConcurrentLinkedQueue<>();
  private final Semaphore begun = new Semaphore(0);
  private volatile boolean closed;

  /**
   * @param servers how many there are
   * @param server one of them as it runs now
   */
  FaultOperators(int servers, IntFunction<ServerProcess> server, long seed) {
    for (int i = 0; i < servers; i++) {
      int at = i;
      Queue<String> versions = new ConcurrentLinkedQueue<>();
      served.add(versions);
      run("client-" + i, () -> look(server.apply(at), versions));
    }
    for (int i = 0; i < 2; i++) {
      int at = i % servers;
      Random random = new Random(seed + i);
      run("operator-" + i, () -> decide(server.apply(at), random));
    }
  }

  private interface Work {
    void once() throws Exception;
  }

  private void run(String name, Work work) {
    Thread thread = new Thread(() -> {
      while (!closed) {
        try {
          work.once();
          Thread.sleep(LOOK_MS);
        } catch (StatusRuntimeException e) {
          if (!EXPECTED.contains(e.getStatus().getCode()) && !closed) {
            faults.add(name + ": " + e.getStatus());
          }
        } catch (InterruptedException e) {
          return;
        } catch (Exception e) {
          faults.add(name + ": " + e);
        }
      }
    }, name);
    thread.start();
    threads.add(thread);
  }

  private static String draw(ServerProcess server) {
    try {
      return GenerationServiceGrpc.newBlockingStub(server.channel()).withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS)
          .generate(GenerateRequest.getDefaultInstance()).getVersion();
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Code.FAILED_PRECONDITION) {
        throw new IllegalStateException("there is always a version to be served: " + e.getMessage(), e);
      }
      throw e;
    }
  }

  private static void look(ServerProcess server, Queue<String> versions) {
    String version = draw(server);
    if (!version.equals(versions.stream().reduce((first, last) -> last).orElse(""))) {
      versions.add(version);
    }
  }

  private void decide(ServerProcess server, Random random) {
    UnlearningServiceBlockingStub jobs = UnlearningServiceGrpc.newBlockingStub(server.channel());
    for (Job job : jobs.withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS).listJobs(ListJobsRequest.newBuilder()
        .setPageSize(NEWEST).build()).getJobsList()) {
      if (job.getPhase() != JobPhase.JOB_PHASE_AWAITING_APPROVAL) {
        continue;
      }
      UnlearningServiceBlockingStub patient = jobs.withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS);
      begun.release();
      if (random.nextInt(3) > 0) {
        patient.approveJob(ApproveJobRequest.newBuilder().setJobId(job.getId()).build());
        approved.add(job.getId());
        answered.add(Map.entry(job.getNewVersion(), draw(server)));
      } else {
        patient.rejectJob(RejectJobRequest.newBuilder().setJobId(job.getId()).build());
        rejected.add(job.getId());
      }
    }
  }

  /** Waits until somebody begins to decide, or for as long as that is worth. */
  void awaitDecision(long seconds) throws InterruptedException {
    begun.drainPermits();
    begun.tryAcquire(seconds, TimeUnit.SECONDS);
  }

  /**
   * Sees to it that every answer was true.
   *
   * @param jobs all, by identity
   * @param parent by version; a version from before all jobs has none
   * @param newest what serves now, and ever after
   */
  void check(Map<String, Job> jobs, UnaryOperator<String> parent, String newest) {
    assertEquals(List.of(), List.copyOf(faults));
    approved.forEach(id -> assertEquals(JobPhase.JOB_PHASE_PROMOTED, jobs.get(id).getPhase(), () ->
        "it was told that it is promoted: " + jobs.get(id)));
    rejected.forEach(id -> assertEquals(JobPhase.JOB_PHASE_REJECTED, jobs.get(id).getPhase(), () ->
        "it was told that it is rejected: " + jobs.get(id)));
    List<String> chain = new ArrayList<>();
    for (String version = newest; version != null; version = parent.apply(version)) {
      chain.add(0, version);
    }
    for (Queue<String> versions : served) {
      assertFalse(versions.isEmpty());
      int last = -1;
      for (String version : versions) {
        int place = chain.indexOf(version);
        assertTrue(place > last, () -> version + " was served out of its turn, or is no promoted version: " + versions
            + ", not along " + chain);
        last = place;
      }
    }
    answered.forEach(pair -> assertTrue(chain.indexOf(pair.getValue()) >= chain.indexOf(pair.getKey()), () ->
        pair.getKey() + " was promoted, and then " + pair.getValue() + " served, along " + chain));
  }

  @Override
  public void close() {
    closed = true;
    threads.forEach(Thread::interrupt);
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
