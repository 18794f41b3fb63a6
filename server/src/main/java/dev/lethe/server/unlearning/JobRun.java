package dev.lethe.server.unlearning;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.modelstore.VersionName;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out one job from wherever it is: worker after worker until one is done, then the take-over of its candidate.
 * Blocks; runs on a thread of the queue.
 */
final class JobRun {

  private static final Logger LOG = LoggerFactory.getLogger(JobRun.class);

  private final TrackedJob tracked;
  private final Settings settings;
  private boolean done;
  private String workersOwnReason;
  private UnlearnReport report;
  private volatile long lastSign;

  JobRun(TrackedJob tracked, Settings settings) {
    this.tracked = tracked;
    this.settings = settings;
  }

  /**
   * What all jobs of a server have in common.
   *
   * @param key opens the keys of jobs
   * @param cleaning takes their files away
   * @param patience between asking a worker to end and ending it
   * @param closing whether the server ends
   */
  record Settings(ModelRegistry registry, WorkerLauncher workers, MasterKey key, Cleaning cleaning, Duration patience,
      JobQueue.Options options, ServerMetrics metrics, BooleanSupplier closing) {}

  /** A job that cannot be carried out; the message is the job's. */
  static final class JobFailedException extends Exception {
    private static final long serialVersionUID = 1;

    JobFailedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The job is no longer this run's: it was ended or deleted elsewhere, or the server ends. */
  private static final class NoLongerOursException extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** Brings the job to its end; or leaves it where the next server takes it up, if this one ends. */
  void run() throws InterruptedException {
    tracked.begin();
    try {
      if (tracked.record().job().getPhase() != JobPhase.JOB_PHASE_CANDIDATE) {
        if (!work()) {
          return;
        }
      }
      new TakeOver(tracked, settings.registry(), settings.cleaning(), this::stored,
          new Canary(settings.options().canary(), settings.closing())).run();
    } catch (JobFailedException | IOException e) {
      end(JobPhase.JOB_PHASE_FAILED, Phases.SERVER, e.getMessage() == null ? e.toString() : e.getMessage());
    } catch (NoLongerOursException e) {
      LOG.info("job {} is no longer carried out here", tracked.id());
    } catch (StoreException e) {
      // What was to be read comes again with the next turn.
      throw e;
    } catch (RuntimeException e) {
      LOG.error("job {} met a fault of this server", tracked.id(), e);
      end(JobPhase.JOB_PHASE_FAILED, Phases.SERVER, "a fault of this server ended it: " + e);
    } finally {
      settings.metrics().progress(0);
    }
  }

  private void end(JobPhase phase, String actor, String reason) throws InterruptedException {
    try {
      stored(() -> tracked.move(phase, actor, reason, job -> job.setMessage(reason)));
    } catch (NoLongerOursException e) {
      LOG.info("job {} is no longer carried out here", tracked.id());
    }
  }

  /**
   * Carries out a change of the store, however long that takes: what has happened must be written down.
   *
   * @throws NoLongerOursException if the job has been changed by somebody else so that it cannot be, or the server ends
   */
  private void stored(Runnable change) throws InterruptedException {
    for (boolean told = false;; told = true) {
      try {
        change.run();
        return;
      } catch (StoreException e) {
        if (settings.closing().getAsBoolean()) {
          throw new NoLongerOursException();
        }
        if (!told) {
          LOG.error("job {} waits for the database: {}", tracked.id(), e.getMessage());
        }
        TimeUnit.SECONDS.sleep(1);
      } catch (IllegalStateException e) {
        LOG.info("{}", e.getMessage());
        throw new NoLongerOursException();
      }
    }
  }

  /** Starts workers until one is done, and decides about its candidate; false if the job is not to be carried on. */
  private boolean work() throws InterruptedException, IOException, JobFailedException {
    while (true) {
      WorkerJob work = prepare();
      Optional<TrackedJob.Stop> stop = attempt();
      if (stop.isEmpty()) {
        Bundle candidate = TakeOver.candidate(tracked, work);
        stored(() -> TakeOver.decide(tracked, candidate, report,
            settings.options().approval().asks(candidate.card().name())));
        return true;
      }
      TrackedJob.Stop reason = stop.get();
      if (reason.to() == JobPhase.JOB_PHASE_QUEUED && reason.actor().equals(Phases.WORKER)
          && crashes() + 1 >= settings.options().attempts()) {
        throw new JobFailedException(reason.cause() + (settings.options().attempts() > 1
            ? "\nThat was worker " + settings.options().attempts() + " of " + settings.options().attempts()
                + " that may crash or stand still."
            : ""), null);
      }
      if (reason.to() == JobPhase.JOB_PHASE_QUEUED) {
        LOG.warn("job {}: {}", tracked.id(), reason.cause());
        stored(() -> tracked.move(reason.to(), reason.actor(), reason.cause(), job -> { }));
        if (!reason.actor().equals(Phases.WORKER)) {
          return false;
        }
      } else {
        end(reason.to(), reason.actor(), reason.cause());
        return false;
      }
    }
  }

  /** Workers that crashed or stood still. */
  private long crashes() {
    return tracked.record().job().getChangesList().stream()
        .filter(change -> change.getPhase() == JobPhase.JOB_PHASE_QUEUED && change.getActor().equals(Phases.WORKER))
        .count();
  }

  /** Fixes the base only now, so that a job builds upon what the one before it in the queue has unlearned. */
  private WorkerJob prepare() throws IOException, InterruptedException, JobFailedException {
    settings.workers().endLeft(tracked.directory());
    JobRecord record = tracked.record();
    if (Phases.works(record.job().getPhase())) {
      stored(() -> tracked.move(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER, "the server that carried it out has ended",
          job -> { }));
    }
    ServedModel model = model(settings.registry(), record.job());
    ModelStore store = settings.registry().store();
    NavigableMap<String, Bundle> versions = store.versions(model.name());
    String active = model.activeVersion().orElseThrow(
        () -> new JobFailedException("model " + model.name() + " was unloaded before the job's turn came", null));
    Bundle base = versions.get(active);
    if (base == null) {
      throw new JobFailedException("the active version " + active + " is not on disk any more", null);
    }
    boolean sameBase = record.work().getBaseBundle().equals(store.uri(base).toString())
        && !versions.containsKey(record.work().getNewVersion());
    tracked.directory().clear(!sameBase);
    WorkerJob work = sameBase ? record.work() : record.work().toBuilder()
        .setBaseBundle(store.uri(base).toString())
        .setRootBundle(store.uri(root(base, versions)).toString())
        .setNewVersion(VersionName.next(base.card().version(), store.taken(model.name())))
        .build();
    tracked.directory().write(work);
    tracked.release();
    stored(() -> tracked.change(stored -> {
      Job moved = Phases.move(stored.job(), JobPhase.JOB_PHASE_INVERTING, Phases.SERVER, "worker "
          + (stored.job().getAttempt() + 1) + " starts, from version " + base.card().version(), Instant.now());
      return new JobRecord(moved.toBuilder().setBaseVersion(base.card().version()).build(), work, stored.intent(),
          stored.request(), stored.sealedKey());
    }));
    tracked.hold();
    return work;
  }

  /** The version that a base comes from which no unlearning has touched, or the oldest of those that are there. */
  private static Bundle root(Bundle base, Map<String, Bundle> versions) {
    Bundle root = base;
    while (root.card().parentVersion() != null && versions.containsKey(root.card().parentVersion())) {
      root = versions.get(root.card().parentVersion());
    }
    return root;
  }

  static ServedModel model(ModelRegistry registry, Job job) throws JobFailedException {
    try {
      return registry.model(job.getSpec().getModel());
    } catch (DomainException e) {
      throw new JobFailedException(e.getMessage(), e);
    }
  }

  /** One worker, from its start to its end; empty if it is done. */
  private Optional<TrackedJob.Stop> attempt() throws IOException, InterruptedException, JobFailedException {
    done = false;
    workersOwnReason = null;
    WorkerLauncher.Worker worker;
    Optional<byte[]> key = imageKey();
    try {
      worker = settings.workers().start(tracked.directory(), key);
    } catch (IOException e) {
      throw new JobFailedException("the worker cannot be started: " + e.getMessage(), e);
    }
    lastSign = System.nanoTime();
    ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
        work -> new Thread(work, "lethe-worker-watch"));
    try {
      tracked.workerStarted(worker, settings.patience());
      watch.scheduleWithFixedDelay(this::watchWorker, 250, 250, TimeUnit.MILLISECONDS);
      worker.run(this::event);
    } finally {
      watch.shutdownNow();
    }
    Optional<TrackedJob.Stop> stop = tracked.stopped();
    if (worker.succeeded() && done && stop.map(asked -> asked.to() == JobPhase.JOB_PHASE_QUEUED).orElse(true)) {
      // It was faster than whoever asked it to end.
      return Optional.empty();
    }
    if (stop.isPresent()) {
      tracked.forgetStop();
      return stop;
    }
    if (workersOwnReason == null && worker.crashed()) {
      return Optional.of(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, failure(worker)));
    }
    throw new JobFailedException(failure(worker), null);
  }

  /** Opens the key of the job's images; empty if it has none. */
  private Optional<byte[]> imageKey() throws IOException {
    String sealed = tracked.record().sealedKey();
    return sealed.isEmpty() ? Optional.empty() : Optional.of(settings.key().open(tracked.id(), sealed));
  }

  private void watchWorker() {
    if (System.nanoTime() - lastSign > settings.options().silence().toNanos()) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, "the worker has stood still for "
          + settings.options().silence().toSeconds() + " s (--worker-timeout) and was ended"), settings.patience());
    } else if (tracked.isLost()) {
      tracked.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, Phases.SERVER, "it is carried on elsewhere"),
          settings.patience());
    }
  }

  private void event(WorkerEvent event) {
    lastSign = System.nanoTime();
    switch (event.getEventCase()) {
      case PROGRESS -> {
        settings.metrics().progress(event.getProgress().getFraction());
        follow(phase(event.getProgress().getStage()));
        tracked.progress(event.getProgress());
      }
      case REPORT -> report = event.getReport();
      case DONE -> done = true;
      case FAILURE -> workersOwnReason = event.getFailure().getMessage();
      // Of studies, which have workers of their own.
      case INSPECTION, PROJECTION, EVENT_NOT_SET -> { }
    }
  }

  /** Writes down that the worker has come to another part of its work, if it can be: it is no more than news. */
  private void follow(Optional<JobPhase> phase) {
    if (phase.isPresent() && Phases.follows(tracked.record().job().getPhase(), phase.get())) {
      try {
        tracked.move(phase.get(), Phases.WORKER, "it has come so far", job -> { });
      } catch (StoreException | IllegalStateException e) {
        LOG.warn("job {} is {}, which cannot be written down: {}", tracked.id(), Phases.name(phase.get()),
            e.getMessage());
      }
    }
  }

  private static Optional<JobPhase> phase(String stage) {
    return switch (stage) {
      case "unlearning", "export" -> Optional.of(JobPhase.JOB_PHASE_UNLEARNING);
      case "audit", "measuring", "retraining" -> Optional.of(JobPhase.JOB_PHASE_AUDITING);
      default -> Optional.empty();
    };
  }

  private String failure(WorkerLauncher.Worker worker) throws IOException {
    StringBuilder reason = new StringBuilder();
    if (workersOwnReason != null) {
      reason.append(workersOwnReason).append(" (the worker ").append(worker.end()).append(")");
    } else {
      reason.append("the worker ").append(worker.end());
      if (worker.succeeded()) {
        reason.append(" without having said that it was done");
      }
    }
    String log = tracked.directory().endOfLog();
    if (!log.isEmpty()) {
      reason.append("\nThe end of its log:\n").append(log);
    }
    return reason.toString();
  }
}
