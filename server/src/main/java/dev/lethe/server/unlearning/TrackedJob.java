package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state of one job, on disk and in memory, and those who watch it. Watchers see every change in order; they are
 * called under this object's lock and must not block.
 */
final class TrackedJob {

  private static final Logger LOG = LoggerFactory.getLogger(TrackedJob.class);

  private final JobDirectory directory;
  private final Set<Consumer<Job>> watchers = new LinkedHashSet<>();
  private final Promise<Job> ended = Promise.promise();
  // Written under the lock.
  private volatile Job job;
  private WorkerProcess worker;
  private String stopReason;
  private boolean cancelled;
  private boolean stoppable = true;

  TrackedJob(JobDirectory directory, Job job) {
    this.directory = directory;
    this.job = job;
    if (hasEnded(job)) {
      ended.complete(job);
    }
  }

  static boolean hasEnded(Job job) {
    return switch (job.getState()) {
      case JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED -> true;
      case JOB_STATE_UNSPECIFIED, JOB_STATE_QUEUED, JOB_STATE_RUNNING, UNRECOGNIZED -> false;
    };
  }

  JobDirectory directory() {
    return directory;
  }

  Job job() {
    return job;
  }

  /** Completes with the job's last state. */
  Future<Job> ended() {
    return ended.future();
  }

  /** Changes the job; a job that has ended stays as it is. */
  synchronized void update(Consumer<Job.Builder> change) {
    if (hasEnded(job)) {
      return;
    }
    Job before = job;
    Job.Builder builder = before.toBuilder();
    change.accept(builder);
    job = builder.build();
    // Progress comes often and is worth nothing after a restart.
    if (!before.toBuilder().clearProgress().build().equals(job.toBuilder().clearProgress().build())) {
      try {
        directory.write(job);
      } catch (IOException e) {
        LOG.error("{}: its state cannot be written to {}", job.getId(), directory.path(), e);
      }
    }
    watchers.forEach(watcher -> watcher.accept(job));
    if (hasEnded(job)) {
      watchers.clear();
      ended.complete(job);
    }
  }

  /** Tells the state of now and every change from now on, the last included. */
  synchronized void watch(Consumer<Job> watcher) {
    if (!hasEnded(job)) {
      watchers.add(watcher);
    }
    watcher.accept(job);
  }

  synchronized void unwatch(Consumer<Job> watcher) {
    watchers.remove(watcher);
  }

  /** The worker runs; it is stopped at once if that was asked for before. */
  synchronized void workerStarted(WorkerProcess started, Duration patience) {
    worker = started;
    if (stopReason != null) {
      started.stop(patience);
    }
  }

  /**
   * Asks the job to end.
   *
   * @param cancel whether it then counts as cancelled, or as failed
   * @return false if it is too late: it has ended, or its candidate is being taken over
   */
  synchronized boolean stop(String reason, boolean cancel, Duration patience) {
    if (hasEnded(job) || !stoppable) {
      return false;
    }
    if (stopReason == null) {
      stopReason = reason;
      cancelled = cancel;
    }
    if (worker != null) {
      worker.stop(patience);
    } else if (job.getState() == JobState.JOB_STATE_QUEUED && cancel) {
      finishStopped();
    }
    return true;
  }

  /** Ends the job as it was asked to, if it was; true if so. */
  synchronized boolean finishStopped() {
    if (stopReason == null) {
      return false;
    }
    update(change -> change
        .setState(cancelled ? JobState.JOB_STATE_CANCELLED : JobState.JOB_STATE_FAILED)
        .setMessage(stopReason)
        .setEnded(Timestamps.now()));
    return true;
  }

  /** From here on it cannot be stopped; false if it was asked to stop before. */
  synchronized boolean pointOfNoReturn() {
    stoppable = stopReason != null;
    return !stoppable;
  }
}
