package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A job that somebody here deals with: as the store has it, with its progress, and those who watch it. Watchers see
 * every change in order; they are called under this object's lock and must not block. A change is stored before it is
 * told.
 */
final class TrackedJob {

  /**
   * Why a worker is asked to end.
   *
   * @param to what the job becomes then
   * @param actor who asked
   */
  record Stop(JobPhase to, String actor, String cause) {

    /** Whether somebody has ordered the end of the job, and not the server that of a run or a worker. */
    boolean isOrdered() {
      return to == JobPhase.JOB_PHASE_CANCELLED && !actor.equals(Phases.SERVER);
    }
  }

  private final JobStore store;
  private final JobDirectory directory;
  private final Set<Consumer<Job>> watchers = new LinkedHashSet<>();
  private final Promise<Job> ended = Promise.promise();
  // Written under the lock.
  private volatile JobRecord record;
  private volatile Progress progress = Progress.getDefaultInstance();
  private WorkerLauncher.Worker worker;
  private Stop stop;
  // The turn, as Phases counts them, that is carried out here, and how often the job had ended by then; -1 for none.
  private long turn = -1;
  private long ends;

  TrackedJob(JobStore store, JobDirectory directory, JobRecord record) {
    this.store = store;
    this.directory = directory;
    this.record = record;
    if (Phases.hasEnded(record.job())) {
      ended.complete(record.job());
    }
  }

  JobDirectory directory() {
    return directory;
  }

  String id() {
    return record.job().getId();
  }

  JobRecord record() {
    return record;
  }

  /** As clients see it. */
  Job job() {
    Job job = record.job();
    return progress.equals(Progress.getDefaultInstance()) || Phases.hasEnded(job) ? job
        : job.toBuilder().setProgress(progress).build();
  }

  /** Completes with the job's last state. */
  Future<Job> ended() {
    return ended.future();
  }

  /**
   * Changes the job in the store, and then here.
   *
   * @throws StoreException if the store cannot be written; then nothing has changed
   * @throws IllegalStateException what {@code change} says against it; the job is then as the store has it
   */
  synchronized void change(UnaryOperator<JobRecord> change) {
    JobRecord[] seen = new JobRecord[1];
    Optional<JobRecord> changed;
    try {
      changed = store.change(id(), stored -> {
        seen[0] = stored;
        requireTurn(stored);
        return change.apply(stored);
      });
    } catch (IllegalStateException e) {
      if (seen[0] != null) {
        refresh(seen[0]);
      }
      throw e;
    }
    refresh(changed.orElseThrow(() -> new IllegalStateException("job " + id() + " was deleted")));
  }

  /**
   * Changes the job, and with it those that its run carries out, too: all or none.
   *
   * @param change of the job, and of each of the others
   * @throws StoreException if the store cannot be written; then nothing has changed
   * @throws IllegalStateException what {@code change} says against it, of any of them; then nothing has changed either
   */
  synchronized void changeWith(List<TrackedJob> others, UnaryOperator<JobRecord> change) {
    if (others.isEmpty()) {
      change(change);
    } else {
      changeAll(others, change, store::changeAll);
    }
  }

  /**
   * The same, where a run begins.
   *
   * @throws IllegalStateException if another job of the model is at work, too
   */
  synchronized void beginWith(List<TrackedJob> others, UnaryOperator<JobRecord> change) {
    changeAll(others, change, (ids, all) -> store.begin(record.job().getSpec().getModel(), ids, all));
  }

  /** A transaction of several jobs, by their ids. */
  private interface Changing {
    Map<String, JobRecord> change(List<String> ids, UnaryOperator<Map<String, JobRecord>> change);
  }

  private void changeAll(List<TrackedJob> others, UnaryOperator<JobRecord> change, Changing changing) {
    List<String> ids = Stream.concat(Stream.of(this), others.stream()).map(TrackedJob::id).toList();
    Map<String, JobRecord> seen = new HashMap<>();
    Map<String, JobRecord> changed;
    try {
      changed = changing.change(ids, stored -> {
        seen.putAll(stored);
        if (stored.size() < ids.size()) {
          throw new IllegalStateException("one of the jobs " + ids + " was deleted");
        }
        requireTurn(stored.get(id()));
        Map<String, JobRecord> all = new HashMap<>();
        stored.forEach((id, record) -> all.put(id, change.apply(record)));
        return all;
      });
    } catch (IllegalStateException e) {
      refresh(others, seen);
      throw e;
    }
    refresh(others, changed);
  }

  private void refresh(List<TrackedJob> others, Map<String, JobRecord> stored) {
    Stream.concat(Stream.of(this), others.stream()).forEach(job ->
        Optional.ofNullable(stored.get(job.id())).ifPresent(job::refresh));
  }

  private void requireTurn(JobRecord stored) {
    if (isElsewhere(stored)) {
      throw new IllegalStateException("job " + id() + " is carried on elsewhere");
    }
  }

  private boolean isElsewhere(JobRecord stored) {
    return turn >= 0 && (Phases.turn(stored.job()) != turn || Phases.ends(stored.job()) != ends);
  }

  /**
   * Moves the job on, in the store and here.
   *
   * @param more what else changes
   */
  void move(JobPhase to, String actor, String cause, Consumer<Job.Builder> more) {
    change(stored -> {
      Job.Builder moved = Phases.move(stored.job(), to, actor, cause, Instant.now()).toBuilder();
      more.accept(moved);
      return stored.with(moved.build());
    });
  }

  /**
   * Takes what the store has: another server may have changed it. What was read before this server's last change is
   * old.
   */
  synchronized void refresh(JobRecord stored) {
    if (stored.equals(record) || Phases.hasEnded(record.job())
        || stored.job().getChangesCount() < record.job().getChangesCount()) {
      return;
    }
    record = stored;
    if (stored.job().getPhase() == JobPhase.JOB_PHASE_QUEUED) {
      progress = Progress.getDefaultInstance();
    }
    tell();
  }

  /** Tells how far the worker is; that is worth nothing after a restart, and is not stored. */
  synchronized void progress(Progress now) {
    if (!Phases.hasEnded(record.job())) {
      progress = now;
      tell();
    }
  }

  private void tell() {
    Job now = job();
    watchers.forEach(watcher -> watcher.accept(now));
    if (Phases.hasEnded(now)) {
      watchers.clear();
      ended.tryComplete(now);
    }
  }

  /** Tells the state of now and every change from now on, the last included. */
  synchronized void watch(Consumer<Job> watcher) {
    Job now = job();
    if (!Phases.hasEnded(now)) {
      watchers.add(watcher);
    }
    watcher.accept(now);
  }

  synchronized void unwatch(Consumer<Job> watcher) {
    watchers.remove(watcher);
  }

  /** A new run of it, with a worker or without: what an earlier one was asked is forgotten, but for orders. */
  synchronized void begin() {
    forgetStop();
    turn = -1;
  }

  /** The worker that was asked to end has ended: the next one is not asked, unless the job is to end by order. */
  synchronized void forgetStop() {
    if (stop != null && !stop.isOrdered()) {
      stop = null;
    }
    worker = null;
  }

  /** What was ordered cannot be done any more. */
  synchronized void forgetOrder() {
    stop = null;
  }

  /** Another turn may begin. */
  synchronized void release() {
    turn = -1;
  }

  /** From here on the job is changed here only as long as nobody else has begun to work on it. */
  synchronized void hold() {
    turn = Phases.turn(record.job());
    ends = Phases.ends(record.job());
  }

  /** Whether somebody else has begun to work on it since, or the job has ended. */
  synchronized boolean isLost() {
    return Phases.hasEnded(record.job()) || isElsewhere(record);
  }

  /** It was ended and deleted elsewhere, before anybody here has seen its end. */
  synchronized void deleted() {
    if (!Phases.hasEnded(record.job())) {
      record = record.with(record.job().toBuilder().setPhase(JobPhase.JOB_PHASE_CANCELLED)
          .setState(JobState.JOB_STATE_CANCELLED).setEnded(Timestamps.now()).setMessage("was ended and deleted")
          .build());
      tell();
    }
  }

  /** The worker runs; it is stopped at once if that was asked for before. */
  synchronized void workerStarted(WorkerLauncher.Worker started, Duration patience) {
    worker = started;
    if (stop != null) {
      started.stop(patience);
    }
  }

  /** Asks the run that is under way here to end; the first reason holds, and an order before all others. */
  synchronized void stop(Stop reason, Duration patience) {
    if (stop == null || !stop.isOrdered() && reason.isOrdered()) {
      stop = reason;
    }
    if (worker != null) {
      worker.stop(patience);
    }
  }

  /** Why the run was asked to end, if it was. */
  synchronized Optional<Stop> stopped() {
    return Optional.ofNullable(stop);
  }
}
