package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.Until;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
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

  private JobDirectory directory;
  private TrackedJob job;
  private final List<JobState> seen = new ArrayList<>();

  @BeforeEach
  void submit() throws IOException {
    directory = new JobDirectory(root);
    Job queued = Job.newBuilder().setId("job").setState(JobState.JOB_STATE_QUEUED).build();
    directory.write(queued);
    job = new TrackedJob(directory, queued);
    job.watch(changed -> seen.add(changed.getState()));
  }

  private void to(JobState state) {
    job.update(change -> change.setState(state));
  }

  private void startWorker() throws IOException {
    WorkerProcess worker = WorkerProcess.start(new WorkerCommand(List.of("sh", "-c", "exec sleep 60")), directory);
    job.workerStarted(worker, PATIENCE);
  }

  private void untilWorkerHasEnded() throws Exception {
    Until.holds(() -> directory.leftWorker().isEmpty());
  }

  @Test
  void everyChangeIsToldAndWrittenAndTheEndIsTheEnd() throws IOException {
    assertFalse(job.ended().isComplete());
    to(JobState.JOB_STATE_RUNNING);
    assertEquals(JobState.JOB_STATE_RUNNING, directory.job().getState());
    to(JobState.JOB_STATE_SUCCEEDED);
    to(JobState.JOB_STATE_FAILED);
    assertEquals(List.of(JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_SUCCEEDED), seen);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, directory.job().getState());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, job.ended().result().getState());
    List<JobState> late = new ArrayList<>();
    job.watch(changed -> late.add(changed.getState()));
    assertEquals(List.of(JobState.JOB_STATE_SUCCEEDED), late);
  }

  @Test
  void progressIsToldAndNotWritten() throws IOException {
    to(JobState.JOB_STATE_RUNNING);
    String written = Files.readString(root.resolve("status.json"));
    job.update(change -> change.setProgress(Progress.newBuilder().setStep(3)));
    assertEquals(3, seen.size());
    assertEquals(3, job.job().getProgress().getStep());
    assertEquals(written, Files.readString(root.resolve("status.json")));
  }

  @Test
  void whoNoLongerWatchesIsNotTold() {
    List<Job> told = new ArrayList<>();
    Consumer<Job> watcher = told::add;
    job.watch(watcher);
    job.unwatch(watcher);
    to(JobState.JOB_STATE_RUNNING);
    assertEquals(1, told.size());
  }

  @Test
  void aStateThatCannotBeWrittenIsStillTheJobs() throws IOException {
    // A folder where the file should go.
    Files.createDirectories(root.resolve("status.json.tmp"));
    to(JobState.JOB_STATE_RUNNING);
    assertEquals(JobState.JOB_STATE_RUNNING, job.job().getState());
    assertEquals(JobState.JOB_STATE_QUEUED, directory.job().getState());
  }

  @Test
  void aQueuedJobIsCancelledAtOnceAndWaitsForTheNextStartIfTheServerStops() {
    assertTrue(job.stop("the server was stopped", false, PATIENCE));
    assertEquals(JobState.JOB_STATE_QUEUED, job.job().getState());
    TrackedJob other = new TrackedJob(directory, job.job());
    assertTrue(other.stop("cancelled by request", true, PATIENCE));
    assertEquals(JobState.JOB_STATE_CANCELLED, other.job().getState());
    assertEquals("cancelled by request", other.job().getMessage());
    assertTrue(TrackedJob.hasEnded(other.job()));
    assertFalse(other.stop("again", true, PATIENCE));
  }

  @Test
  void aRunningJobsWorkerIsStoppedAndTheFirstReasonIsTheJobs() throws Exception {
    to(JobState.JOB_STATE_RUNNING);
    startWorker();
    assertTrue(directory.leftWorker().isPresent());
    assertTrue(job.stop("cancelled by request", true, PATIENCE));
    assertTrue(job.stop("the server was stopped", false, PATIENCE));
    untilWorkerHasEnded();
    assertFalse(job.pointOfNoReturn());
    assertTrue(job.finishStopped());
    assertEquals(JobState.JOB_STATE_CANCELLED, job.job().getState());
    assertEquals("cancelled by request", job.job().getMessage());
  }

  @Test
  void aWorkerThatStartsAfterTheOrderToStopIsStopped() throws Exception {
    to(JobState.JOB_STATE_RUNNING);
    assertTrue(job.stop("the server was stopped", false, PATIENCE));
    assertEquals(JobState.JOB_STATE_RUNNING, job.job().getState());
    startWorker();
    untilWorkerHasEnded();
    assertTrue(job.finishStopped());
    assertEquals(JobState.JOB_STATE_FAILED, job.job().getState());
  }

  @Test
  void fromThePointOfNoReturnOnNothingStopsIt() {
    to(JobState.JOB_STATE_RUNNING);
    assertTrue(job.pointOfNoReturn());
    assertFalse(job.stop("cancelled by request", true, PATIENCE));
    assertFalse(job.finishStopped());
    to(JobState.JOB_STATE_SUCCEEDED);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, job.ended().result().getState());
  }
}
