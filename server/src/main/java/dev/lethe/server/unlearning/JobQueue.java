package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status;
import io.vertx.core.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All jobs that there are, and the one that runs. Jobs run one at a time in the order of submission, since each starts
 * from what the one before it has left.
 */
public final class JobQueue {

  private static final Logger LOG = LoggerFactory.getLogger(JobQueue.class);
  private static final Comparator<TrackedJob> BY_AGE =
      Comparator.comparing(job -> job.job().getSubmitted(), Timestamps.comparator());
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final JobStore store;
  private final ModelRegistry registry;
  private final Optional<WorkerCommand> command;
  private final ServerMetrics metrics;
  private final AuditLog audit;
  private final Map<String, TrackedJob> jobs = new ConcurrentHashMap<>();
  private final ExecutorService runner = Executors.newSingleThreadExecutor(work -> new Thread(work, "lethe-jobs"));
  private volatile boolean closing;

  JobQueue(JobStore store, ModelRegistry registry, Optional<WorkerCommand> command, ServerMetrics metrics,
      AuditLog audit) {
    this.store = store;
    this.registry = registry;
    this.command = command;
    this.metrics = metrics;
    this.audit = audit;
  }

  /**
   * Takes up the jobs on disk: queued ones wait again, one that ran has failed. Blocks.
   *
   * @throws IOException if a job's state cannot be written; one that cannot be read is left out with a warning
   */
  void recover() throws IOException {
    for (JobDirectory directory : store.jobs()) {
      Job job;
      try {
        job = directory.job();
      } catch (IOException e) {
        LOG.warn("left out: the job in {} cannot be read: {}", directory.path(), e.getMessage());
        continue;
      }
      jobs.put(job.getId(), track(directory, job));
    }
    for (TrackedJob job : newestFirst()) {
      if (job.job().getState() == JobState.JOB_STATE_RUNNING) {
        job.directory().leftWorker().ifPresent(ProcessHandle::destroyForcibly);
        job.update(end -> end
            .setState(JobState.JOB_STATE_FAILED)
            .setMessage("the server was stopped while the job ran; submit it again")
            .setEnded(Timestamps.now()));
      }
    }
    jobs.values().stream()
        .filter(job -> job.job().getState() == JobState.JOB_STATE_QUEUED)
        .sorted(BY_AGE)
        .forEach(this::enqueue);
    count();
  }

  /** Why no job can be carried out here, if none can. */
  Optional<String> unavailable() {
    return command.isPresent() ? Optional.empty()
        : Optional.of("this server cannot unlearn: it was started without --worker-command");
  }

  /** Makes a finished upload a job. Blocks for a moment. */
  Job submit(JobDirectory upload, Job job, WorkerJob work) throws IOException {
    upload.write(work);
    upload.write(job);
    TrackedJob tracked = track(store.commit(upload, job.getId()), job);
    jobs.put(job.getId(), tracked);
    count();
    LOG.info("job {} is queued: {} images to unlearn from {}", job.getId(), job.getUnlearnImages(),
        job.getSpec().getModel());
    enqueue(tracked);
    return job;
  }

  private TrackedJob track(JobDirectory directory, Job job) {
    TrackedJob tracked = new TrackedJob(directory, job);
    boolean old = TrackedJob.hasEnded(job);
    tracked.watch(changed -> {
      count();
      if (!old && TrackedJob.hasEnded(changed)) {
        audit.ended(changed);
      }
    });
    return tracked;
  }

  private void enqueue(TrackedJob job) {
    runner.execute(() -> {
      if (!closing && command.isPresent() && !TrackedJob.hasEnded(job.job())) {
        LOG.info("job {} runs", job.job().getId());
        new JobRun(job, registry, command.get(), PATIENCE, metrics).run();
        Job end = job.job();
        LOG.info("job {} is {}{}", end.getId(), end.getState(),
            end.getMessage().isEmpty() ? "" : ": " + end.getMessage());
      }
    });
  }

  private void count() {
    metrics.jobs(jobs.values().stream()
        .collect(Collectors.groupingBy(job -> job.job().getState(), Collectors.counting())));
  }

  /** @throws io.grpc.StatusRuntimeException NOT_FOUND */
  TrackedJob job(String id) {
    TrackedJob job = jobs.get(id);
    if (job == null) {
      throw Status.NOT_FOUND.withDescription("job_id: there is no job " + ClassLabels.abbreviate(id))
          .asRuntimeException();
    }
    return job;
  }

  List<TrackedJob> newestFirst() {
    return jobs.values().stream()
        .sorted(BY_AGE.reversed())
        .toList();
  }

  /**
   * Ends a job that waits or runs.
   *
   * @return its last state; FAILED_PRECONDITION if it is too late
   */
  Future<Job> cancel(String id) {
    TrackedJob job = job(id);
    if (!job.stop("cancelled by request", true, PATIENCE)) {
      Job now = job.job();
      return Future.failedFuture(Status.FAILED_PRECONDITION.withDescription("job " + id + (TrackedJob.hasEnded(now)
          ? " has ended already: " + now.getState() : " has done its work; its candidate is being taken over"))
          .asRuntimeException());
    }
    return job.ended();
  }

  /** Stops the job that runs; those that wait are taken up at the next start. Blocks until that is done. */
  public void close() throws InterruptedException {
    closing = true;
    jobs.values().stream().filter(job -> job.job().getState() == JobState.JOB_STATE_RUNNING)
        .forEach(job -> job.stop("the server was stopped while the job ran; submit it again", false, PATIENCE));
    runner.shutdown();
    if (!runner.awaitTermination(PATIENCE.toSeconds() * 2, TimeUnit.SECONDS)) {
      LOG.warn("the job that runs has not ended");
    }
  }
}
