package dev.lethe.server.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.util.Timestamps;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PhasesTest {

  private static final Instant NOON = Instant.parse("2026-11-27T12:00:00Z");

  private static Job queued() {
    return Phases.accept(Job.newBuilder().setId("j").setMessage(""), "ann", NOON);
  }

  private static Job moved(JobPhase... phases) {
    Job job = queued();
    for (int i = 0; i < phases.length; i++) {
      job = Phases.move(job, phases[i], "ann", "because", NOON.plusSeconds(i + 1));
    }
    return job;
  }

  @Test
  void everyChangeIsWrittenDownWithTimeActorAndCause() {
    Job job = moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_UNLEARNING, JobPhase.JOB_PHASE_AUDITING,
        JobPhase.JOB_PHASE_CANDIDATE, JobPhase.JOB_PHASE_PROMOTED);
    assertEquals(6, job.getChangesCount());
    assertEquals(JobChange.newBuilder().setPhase(JobPhase.JOB_PHASE_QUEUED).setActor("ann").setCause("submitted")
        .setTime(Timestamps.fromSeconds(NOON.getEpochSecond())).build(), job.getChanges(0));
    assertEquals(JobChange.newBuilder().setPhase(JobPhase.JOB_PHASE_PROMOTED).setActor("ann").setCause("because")
        .setTime(Timestamps.fromSeconds(NOON.getEpochSecond() + 5)).build(), job.getChanges(5));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, job.getState());
    assertEquals(1, job.getAttempt());
    assertEquals(NOON.getEpochSecond() + 1, job.getStarted().getSeconds());
    assertEquals(NOON.getEpochSecond() + 5, job.getEnded().getSeconds());
  }

  @Test
  void aJobWhoseWorkerIsGoneWaitsAgainAndCountsItsAttempts() {
    Job job = moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_UNLEARNING).toBuilder()
        .setProgress(Progress.newBuilder().setStep(3)).build();
    job = Phases.move(job, JobPhase.JOB_PHASE_QUEUED, Phases.WORKER, "it crashed", NOON);
    assertEquals(JobState.JOB_STATE_QUEUED, job.getState());
    assertFalse(job.hasStarted() || job.hasProgress());
    assertEquals(2, Phases.move(job, JobPhase.JOB_PHASE_INVERTING, Phases.SERVER, "again", NOON).getAttempt());
  }

  @Test
  void fromTheCandidateOnThereIsNoWayBack() {
    Job candidate = moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_CANDIDATE);
    assertEquals(JobState.JOB_STATE_RUNNING, candidate.getState());
    for (JobPhase phase : List.of(JobPhase.JOB_PHASE_CANCELLED, JobPhase.JOB_PHASE_QUEUED,
        JobPhase.JOB_PHASE_UNLEARNING)) {
      assertTrue(assertThrows(IllegalStateException.class, () -> Phases.move(candidate, phase, "ann", "", NOON))
          .getMessage().startsWith("job j is candidate; it cannot become "));
    }
    Job kept = Phases.keep(candidate, "server", "as asked", NOON);
    assertTrue(Phases.hasEnded(kept));
    assertEquals(JobPhase.JOB_PHASE_CANDIDATE, kept.getPhase());
    assertThrows(IllegalStateException.class, () -> Phases.keep(kept, "server", "twice", NOON));
  }

  @Test
  void whatHasBeenPromotedOrRejectedStaysSo() {
    Set<JobPhase> known = EnumSet.allOf(JobPhase.class);
    known.remove(JobPhase.UNRECOGNIZED);
    for (JobPhase end : List.of(JobPhase.JOB_PHASE_PROMOTED, JobPhase.JOB_PHASE_REJECTED)) {
      known.forEach(next -> assertFalse(Phases.follows(end, next), () -> end + " " + next));
    }
    assertTrue(known.stream().allMatch(phase -> phase == JobPhase.JOB_PHASE_UNSPECIFIED
        || phase == JobPhase.JOB_PHASE_QUEUED || Arrays.stream(JobPhase.values()).anyMatch(
            before -> Phases.follows(before, phase))), "a phase that no job can come to");
  }

  @Test
  void onlyWhatFailedOrWasCancelledIsQueuedOnceMoreAfterItsEnd() {
    Job failed = moved(JobPhase.JOB_PHASE_FAILED).toBuilder().setMessage("no space").build();
    Job again = Phases.move(failed, JobPhase.JOB_PHASE_QUEUED, "ann", "retry", NOON);
    assertFalse(Phases.hasEnded(again) || again.hasEnded());
    assertEquals("", again.getMessage());
    Job waiting = moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_CANDIDATE,
        JobPhase.JOB_PHASE_AWAITING_APPROVAL);
    assertTrue(Phases.hasEnded(waiting));
    assertThrows(IllegalStateException.class, () -> Phases.move(waiting, JobPhase.JOB_PHASE_QUEUED, "ann", "", NOON));
  }

  @Test
  void eachWhoBeginsToWorkOnAJobHasATurnOfHisOwn() {
    Job working = moved(JobPhase.JOB_PHASE_INVERTING);
    Job again = Phases.move(Phases.move(working, JobPhase.JOB_PHASE_QUEUED, "server", "it ended", NOON),
        JobPhase.JOB_PHASE_INVERTING, "server", "once more", NOON);
    Job made = Phases.move(again, JobPhase.JOB_PHASE_CANDIDATE, "worker", "made", NOON);
    Job carriedOn = Phases.carryOn(made, NOON);
    assertEquals(List.of(1L, 2L, 2L, 3L, 4L), Stream.of(working, again, made, carriedOn,
        Phases.carryOn(carriedOn, NOON)).map(Phases::turn).toList());
    assertEquals(2, carriedOn.getAttempt());
    assertThrows(IllegalStateException.class, () -> Phases.carryOn(working, NOON));
    Job kept = Phases.keep(made, "server", "as asked", NOON);
    assertThrows(IllegalStateException.class, () -> Phases.carryOn(kept, NOON));
  }

  @Test
  void aJobEndsOnceHoweverOftenOperatorsDecide() {
    Job awaiting = moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_CANDIDATE,
        JobPhase.JOB_PHASE_AWAITING_APPROVAL);
    assertEquals(1, Phases.ends(awaiting));
    // An approval, and that it could not be carried out.
    Job approved = awaiting.toBuilder().addAllChanges(List.of(awaiting.getChanges(awaiting.getChangesCount() - 1),
        awaiting.getChanges(awaiting.getChangesCount() - 1))).build();
    assertEquals(1, Phases.ends(approved));
    assertEquals(1, Phases.ends(Phases.move(approved, JobPhase.JOB_PHASE_PROMOTED, "server", "", NOON)));
    assertEquals(2, Phases.ends(Phases.move(Phases.move(moved(JobPhase.JOB_PHASE_FAILED), JobPhase.JOB_PHASE_QUEUED,
        "ann", "retry", NOON), JobPhase.JOB_PHASE_CANCELLED, "ann", "", NOON)));
    assertEquals(1, Phases.ends(Phases.keep(moved(JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_CANDIDATE),
        "server", "as asked", NOON)));
  }
}
