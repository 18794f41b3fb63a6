package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.Until;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.Progress;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The states of a job, and who is told of them. */
@Timeout(60)
class TrackedJobTest {

  private static final Duration PATIENCE = Duration.ofSeconds(5);

  @TempDir
  Path root;

  private Database database;
  private JobStore store;
  private JobDirectory directory;
  private TrackedJob job;
  private final List<JobPhase> seen = new ArrayList<>();

  @BeforeEach
  void submit() throws IOException {
    database = Database.open(DatabaseUrl.sqlite(root.resolve("lethe.db")));
    store = new JobStore(database);
    directory = new JobDirectory(Files.createDirectory(root.resolve("job")));
    JobRecord queued = new JobRecord(Phases.accept(Job.newBuilder().setId("job"), "ann", Instant.now()),
        WorkerJob.getDefaultInstance(), Intent.NONE, "digest", "");
    store.insert(queued, List.of(), 1);
    job = new TrackedJob(store, directory, queued);
    job.watch(changed -> seen.add(changed.getPhase()));
  }

  @AfterEach
  void close() {
    database.close();
  }

  private void to(JobPhase phase) {
    job.move(phase, "ann", "because", more -> { });
  }

  private Job stored() {
    return store.find("job").orElseThrow().job();
  }

  private void startWorker() throws IOException {
    WorkerProcess worker = WorkerProcess.start(new WorkerCommand(List.of("sh", "-c", "exec sleep 60")), directory,
        Optional.empty());
    job.workerStarted(worker, PATIENCE);
  }

  private void untilWorkerHasEnded() throws Exception {
    Until.holds(() -> directory.leftWorker().isEmpty());
  }

  @Test
  void everyChangeIsStoredAndToldAndTheEndIsTheEnd() {
    assertFalse(job.ended().isComplete());
    to(JobPhase.JOB_PHASE_INVERTING);
    assertEquals(JobPhase.JOB_PHASE_INVERTING, stored().getPhase());
    to(JobPhase.JOB_PHASE_CANCELLED);
    assertThrows(IllegalStateException.class, () -> to(JobPhase.JOB_PHASE_UNLEARNING));
    assertEquals(List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_CANCELLED), seen);
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, stored().getPhase());
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, job.ended().result().getPhase());
    List<JobPhase> late = new ArrayList<>();
    job.watch(changed -> late.add(changed.getPhase()));
    assertEquals(List.of(JobPhase.JOB_PHASE_CANCELLED), late);
  }

  /** Who looks at the store now and then may have read before the last change, and come after it. */
  @Test
  void whatWasReadBeforeItsOwnChangeIsOld() {
    JobRecord read = store.find("job").orElseThrow();
    job.release();
    to(JobPhase.JOB_PHASE_INVERTING);
    job.hold();
    job.refresh(read);
    assertEquals(JobPhase.JOB_PHASE_INVERTING, job.job().getPhase());
    assertFalse(job.isLost());
  }

  @Test
  void progressIsToldAndNotStored() {
    to(JobPhase.JOB_PHASE_INVERTING);
    job.progress(Progress.newBuilder().setStep(3).build());
    assertEquals(3, seen.size());
    assertEquals(3, job.job().getProgress().getStep());
    assertFalse(stored().hasProgress());
  }

  @Test
  void whoNoLongerWatchesIsNotTold() {
    List<Job> told = new ArrayList<>();
    Consumer<Job> watcher = told::add;
    job.watch(watcher);
    job.unwatch(watcher);
    to(JobPhase.JOB_PHASE_INVERTING);
    assertEquals(1, told.size());
  }

  @Test
  void whatCannotBeStoredHasNotHappened() {
    database.close();
    assertThrows(StoreException.class, () -> to(JobPhase.JOB_PHASE_INVERTING));
    assertEquals(JobPhase.JOB_PHASE_QUEUED, job.job().getPhase());
    assertEquals(List.of(JobPhase.JOB_PHASE_QUEUED), seen);
  }

  @Test
  void whatAnotherServerHasDoneIsTold() {
    store.change("job", before -> before.with(Phases.move(before.job(), JobPhase.JOB_PHASE_INVERTING, "server", "there",
        Instant.now())));
    job.refresh(store.find("job").orElseThrow());
    assertEquals(List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING), seen);
  }

  /** A server that was taken for dead, and comes back to life, has lost its job. */
  @Test
  void anAttemptThatHasARivalChangesNothing() {
    to(JobPhase.JOB_PHASE_INVERTING);
    job.hold();
    for (JobPhase phase : List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING)) {
      store.change("job", before -> before.with(Phases.move(before.job(), phase, "server", "there", Instant.now())));
    }
    assertTrue(assertThrows(IllegalStateException.class, () -> to(JobPhase.JOB_PHASE_UNLEARNING)).getMessage()
        .contains("job job is carried on elsewhere"));
    assertTrue(job.isLost());
    assertEquals(JobPhase.JOB_PHASE_INVERTING, stored().getPhase());
  }

  /** Ended by order through another server, and queued once more: that is another run's. */
  @Test
  void whatWasRetriedElsewhereIsNotEndedByTheRunOfBefore() {
    to(JobPhase.JOB_PHASE_INVERTING);
    job.hold();
    for (JobPhase phase : List.of(JobPhase.JOB_PHASE_CANCELLED, JobPhase.JOB_PHASE_QUEUED)) {
      store.change("job", before -> before.with(Phases.move(before.job(), phase, "ann", "elsewhere", Instant.now())));
    }
    assertThrows(IllegalStateException.class, () -> to(JobPhase.JOB_PHASE_FAILED));
    assertTrue(job.isLost());
    assertEquals(JobPhase.JOB_PHASE_QUEUED, stored().getPhase());
  }

  /** As where a server stands still on its way from a candidate to a version, and another goes on from there. */
  @Test
  void aTakeOverThatHasARivalChangesNothing() {
    to(JobPhase.JOB_PHASE_INVERTING);
    job.hold();
    to(JobPhase.JOB_PHASE_CANDIDATE);
    TrackedJob other = new TrackedJob(store, directory, store.find("job").orElseThrow());
    other.change(stored -> stored.with(Phases.carryOn(stored.job(), Instant.now())));
    other.hold();
    assertThrows(IllegalStateException.class, () -> to(JobPhase.JOB_PHASE_FAILED));
    assertTrue(job.isLost());
    assertEquals(1, stored().getAttempt());
    other.move(JobPhase.JOB_PHASE_PROMOTED, "server", "it serves", end -> { });
  }

  /** Ended by order and deleted through another server, within the time between two looks. */
  @Test
  void whatWasDeletedElsewhereHasEndedForWhoeverIsAtIt() {
    to(JobPhase.JOB_PHASE_INVERTING);
    job.hold();
    assertFalse(job.isLost());
    job.deleted();
    assertTrue(job.isLost());
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, seen.get(seen.size() - 1));
    assertTrue(job.ended().isComplete());
  }

  @Test
  void theWorkerIsStoppedAndTheFirstReasonHolds() throws Exception {
    startWorker();
    assertTrue(directory.leftWorker().isPresent());
    TrackedJob.Stop first = new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, "ann", "cancelled by request");
    job.stop(first, PATIENCE);
    job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER, "the server was stopped"), PATIENCE);
    untilWorkerHasEnded();
    assertEquals(Optional.of(first), job.stopped());
  }

  /** A worker that is just being replaced is no reason to forget what its client asked for. */
  @Test
  void anOrderToEndTheJobIsHeededWhateverItsWorkerIsStoppedFor() {
    job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, "it stood still"), PATIENCE);
    TrackedJob.Stop cancelled = new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, "ann", "cancelled by request");
    job.stop(cancelled, PATIENCE);
    job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_CANCELLED, Phases.SERVER, "it is carried on elsewhere"), PATIENCE);
    job.forgetStop();
    job.begin();
    assertEquals(Optional.of(cancelled), job.stopped());
  }

  @Test
  void aWorkerThatStartsAfterTheOrderToStopIsStopped() throws Exception {
    job.stop(new TrackedJob.Stop(JobPhase.JOB_PHASE_QUEUED, Phases.SERVER, "the server was stopped"), PATIENCE);
    startWorker();
    untilWorkerHasEnded();
  }
}
