package dev.lethe.server.unlearning;

import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.vertx.core.Future;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All jobs that there are, and the one that runs here. The jobs of a model run one at a time in the order of submission,
 * since each starts from what the one before it has left.
 *
 * <p>Blocks: not for event loops.
 */
public final class JobQueue {

  private static final Logger LOG = LoggerFactory.getLogger(JobQueue.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  /** Between looks at what other servers have done. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final JobStore store;
  private final JobFolders folders;
  private final Options options;
  private final ServerMetrics metrics;
  private final AuditLog audit;
  private final JobScheduler scheduler;
  private final Optional<JobRun.Settings> running;
  // Those that have not ended and that somebody here deals with.
  private final Map<String, TrackedJob> live = new ConcurrentHashMap<>();
  private final Optional<ScheduledExecutorService> look;
  private volatile TrackedJob atWork;
  private volatile boolean closing;

  /**
   * What an operator decides.
   *
   * @param command the worker; empty: submissions are refused, and no job is carried out
   * @param silence how long a worker may say nothing
   * @param attempts how many workers of a job may crash
   */
  public record Options(Optional<WorkerCommand> command, Duration silence, int attempts) {

    /** As they are unless an operator says otherwise. */
    public static final Duration SILENCE = Duration.ofMinutes(15);
    public static final int ATTEMPTS = 3;
  }

  JobQueue(Database database, JobFolders folders, ModelRegistry registry, Options options, ServerMetrics metrics,
      AuditLog audit) {
    this.store = new JobStore(database);
    this.folders = folders;
    this.options = options;
    this.metrics = metrics;
    this.audit = audit;
    this.scheduler = new JobScheduler(database, this::take);
    this.running = options.command().map(command -> new JobRun.Settings(registry, new LocalWorkers(command), PATIENCE,
        options.silence(), options.attempts(), metrics, () -> closing));
    this.look = database.isShared() ? Optional.of(Executors.newSingleThreadScheduledExecutor(
        work -> new Thread(work, "lethe-jobs-look"))) : Optional.empty();
  }

  /**
   * Takes up the jobs of the database: those that wait, and those that were at work when their server ended.
   *
   * @throws IOException if folders of jobs cannot be read and written
   */
  void recover() throws IOException {
    folders.recover(id -> store.find(id).isPresent());
    for (JobRecord open : store.open()) {
      scheduler.add(open.job().getId());
    }
    if (options.command().isPresent()) {
      scheduler.start();
    }
    look.ifPresent(timer -> timer.scheduleWithFixedDelay(this::look, LOOK.toMillis(), LOOK.toMillis(),
        TimeUnit.MILLISECONDS));
    count();
  }

  /** Takes what other servers have done to jobs that are watched or carried out here. */
  private void look() {
    try {
      live.values().forEach(job -> store.find(job.id()).ifPresent(job::refresh));
      count();
    } catch (RuntimeException e) {
      LOG.warn("what other servers have done cannot be seen: {}", e.getMessage());
    }
  }

  /** Why no job can be carried out here, if none can. */
  Optional<String> unavailable() {
    return options.command().isPresent() ? Optional.empty()
        : Optional.of("this server cannot unlearn: it was started without --worker-command");
  }

  /**
   * Makes a finished upload a job: from the return on it is kept, and will be carried out, whatever happens.
   *
   * @throws StatusRuntimeException RESOURCE_EXHAUSTED if there is no space, UNAVAILABLE if the database is gone; then
   *     there is no job
   */
  Job submit(JobDirectory upload, Job.Builder requested, WorkerJob work) throws IOException {
    Job job = Phases.accept(requested, requested.getSubmittedBy(), Instant.now());
    upload.write(work);
    folders.sync(upload);
    JobRecord record = new JobRecord(job, work, Intent.NONE);
    try {
      store.insert(record);
    } catch (StoreException e) {
      throw status(e);
    }
    folders.commit(upload, job.getId());
    track(job.getId());
    enqueue(job.getId());
    count();
    LOG.info("job {} is queued: {} images to unlearn from {}", job.getId(), job.getUnlearnImages(),
        job.getSpec().getModel());
    return job;
  }

  /** It is a job already: what fails now is made up for at the next start. */
  private void enqueue(String id) {
    try {
      scheduler.add(id);
    } catch (RuntimeException e) {
      LOG.error("job {} waits for the next start of a server, since it cannot be queued: {}", id, e.getMessage());
    }
  }

  /** What a client is told of a database that did not do what it should. */
  static StatusRuntimeException status(StoreException e) {
    Status status = switch (e.reason()) {
      case NO_SPACE -> Status.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Status.UNAVAILABLE;
      case DUPLICATE, OTHER -> Status.INTERNAL;
    };
    return status.withDescription(e.getMessage()).withCause(e).asRuntimeException();
  }

  /** The job as it is followed here; empty if there is none, or it has ended. */
  private Optional<TrackedJob> track(String id) {
    // The store is asked within, so that a job that ends meanwhile is not taken for one that goes on.
    return Optional.ofNullable(live.computeIfAbsent(id, absent -> store.find(id)
        .filter(record -> !Phases.hasEnded(record.job()))
        .map(record -> {
          TrackedJob tracked = new TrackedJob(store, folders.of(id), record);
          tracked.ended().onSuccess(end -> live.remove(id));
          return tracked;
        }).orElse(null)));
  }

  /** A turn of a job, on the scheduler's thread. */
  private boolean take(String id) throws InterruptedException {
    Optional<JobRecord> record = store.find(id);
    if (record.isEmpty() || Phases.hasEnded(record.get().job())) {
      return true;
    }
    if (closing || !store.first(record.get().job().getSpec().getModel()).equals(Optional.of(id))) {
      return false;
    }
    Optional<TrackedJob> tracked = track(id);
    if (tracked.isEmpty()) {
      return true;
    }
    TrackedJob job = tracked.get();
    job.refresh(record.get());
    LOG.info("job {} runs", id);
    atWork = job;
    try {
      if (closing) {
        return false;
      }
      new JobRun(job, running.orElseThrow()).run();
    } finally {
      atWork = null;
      count();
    }
    Job end = job.job();
    if (Phases.hasEnded(end)) {
      audit.ended(end);
    }
    LOG.info("job {} is {}{}", id, Phases.name(end.getPhase()), end.getMessage().isEmpty() ? "" : ": " + end.getMessage());
    return Phases.hasEnded(end);
  }

  private void count() {
    try {
      metrics.jobs(store.counts());
    } catch (StoreException e) {
      LOG.warn("jobs cannot be counted: {}", e.getMessage());
    }
  }

  /** @throws StatusRuntimeException NOT_FOUND; UNAVAILABLE if the database is gone */
  TrackedJob job(String id) {
    TrackedJob known = live.get(id);
    if (known != null) {
      return known;
    }
    try {
      return track(id).or(() -> store.find(id).map(record -> new TrackedJob(store, folders.of(id), record)))
          .orElseThrow(() -> Status.NOT_FOUND.withDescription("job_id: there is no job " + ClassLabels.abbreviate(id))
              .asRuntimeException());
    } catch (StoreException e) {
      throw status(e);
    }
  }

  /**
   * One page of jobs, the newest first.
   *
   * @param model only of this one; empty: of all
   * @param states only in these; none: in any
   * @param after only older ones than this job; empty: from the newest on
   * @throws StatusRuntimeException UNAVAILABLE if the database is gone
   */
  List<Job> list(String model, List<JobState> states, String after, int limit) {
    try {
      Optional<Job> last = after.isEmpty() ? Optional.empty() : Optional.of(store.find(after)
          .orElseThrow(() -> Status.INVALID_ARGUMENT.withDescription("page_token: its job " + ClassLabels.abbreviate(after)
              + " was deleted; list from the start").asRuntimeException()).job());
      return store.list(model, states, last, limit).stream()
          .map(job -> Optional.ofNullable(live.get(job.getId())).map(TrackedJob::job).orElse(job)).toList();
    } catch (StoreException e) {
      throw status(e);
    }
  }

  /**
   * Ends a job that waits or runs.
   *
   * @param actor who asks
   * @return its last state; FAILED_PRECONDITION if it is too late
   */
  Future<Job> cancel(String id, String actor) {
    TrackedJob job = job(id);
    TrackedJob here = atWork;
    if (here == job && job.record().job().getPhase() != JobPhase.JOB_PHASE_CANDIDATE) {
      job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, actor, "cancelled by request"), PATIENCE);
    } else {
      try {
        job.move(JobPhase.JOB_PHASE_CANCELLED, actor, "cancelled by request",
            end -> end.setMessage("cancelled by request"));
        audit.ended(job.job());
        count();
      } catch (IllegalStateException e) {
        return Future.failedFuture(tooLate(job.job()));
      } catch (StoreException e) {
        return Future.failedFuture(status(e));
      }
    }
    return job.ended().compose(end -> end.getState() == JobState.JOB_STATE_CANCELLED ? Future.succeededFuture(end)
        : Future.failedFuture(tooLate(end)));
  }

  private static StatusRuntimeException tooLate(Job job) {
    return Status.FAILED_PRECONDITION.withDescription("job " + job.getId() + (Phases.hasEnded(job)
        ? " has ended already: " + Phases.name(job.getPhase())
        : " has done its work; its candidate is being taken over")).asRuntimeException();
  }

  /** Stops the job that runs; it and those that wait are taken up at the next start. Blocks until that is done. */
  public void close() {
    closing = true;
    TrackedJob here = atWork;
    if (here != null) {
      here.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER,
          "the server was stopped; the job goes on at its next start"), PATIENCE);
    }
    look.ifPresent(ScheduledExecutorService::shutdownNow);
    scheduler.close();
  }
}
