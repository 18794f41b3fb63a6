package dev.lethe.server.jobs;

import static dev.lethe.v1.JobPhase.JOB_PHASE_AUDITING;
import static dev.lethe.v1.JobPhase.JOB_PHASE_AWAITING_APPROVAL;
import static dev.lethe.v1.JobPhase.JOB_PHASE_CANCELLED;
import static dev.lethe.v1.JobPhase.JOB_PHASE_CANDIDATE;
import static dev.lethe.v1.JobPhase.JOB_PHASE_FAILED;
import static dev.lethe.v1.JobPhase.JOB_PHASE_INVERTING;
import static dev.lethe.v1.JobPhase.JOB_PHASE_PROMOTED;
import static dev.lethe.v1.JobPhase.JOB_PHASE_QUEUED;
import static dev.lethe.v1.JobPhase.JOB_PHASE_REJECTED;
import static dev.lethe.v1.JobPhase.JOB_PHASE_UNLEARNING;

import com.google.protobuf.Timestamp;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The phases of a job, and which may follow which.
 *
 * <pre>
 * QUEUED → INVERTING → UNLEARNING → AUDITING → CANDIDATE → PROMOTED
 *   ↑          ↓           ↓            ↓          ↓   ↘ REJECTED
 *   ╰──────────┴───────────┴────────────╯     AWAITING_APPROVAL → PROMOTED, REJECTED
 * </pre>
 *
 * <p>Up to AUDITING a job may fail, be cancelled, or go back to QUEUED when its worker or its server ends. From
 * CANDIDATE on what is left to do can be done again without harm, so it goes forward alone. A job that failed or was
 * cancelled may be queued once more, by order.
 */
public final class Phases {

  /** Who changes a job when nobody has ordered it. */
  public static final String SERVER = "server";
  /** The same, for what a worker says. */
  public static final String WORKER = "worker";

  private static final String CARRIED_ON = "whoever was taking its version over has ended; that is carried on";

  private static final Map<JobPhase, Set<JobPhase>> FOLLOWING = new EnumMap<>(Map.of(
      JOB_PHASE_QUEUED, Set.of(JOB_PHASE_INVERTING, JOB_PHASE_FAILED, JOB_PHASE_CANCELLED),
      JOB_PHASE_INVERTING, Set.of(JOB_PHASE_UNLEARNING, JOB_PHASE_AUDITING, JOB_PHASE_CANDIDATE, JOB_PHASE_QUEUED,
          JOB_PHASE_FAILED, JOB_PHASE_CANCELLED),
      JOB_PHASE_UNLEARNING, Set.of(JOB_PHASE_AUDITING, JOB_PHASE_CANDIDATE, JOB_PHASE_QUEUED, JOB_PHASE_FAILED,
          JOB_PHASE_CANCELLED),
      JOB_PHASE_AUDITING, Set.of(JOB_PHASE_CANDIDATE, JOB_PHASE_QUEUED, JOB_PHASE_FAILED, JOB_PHASE_CANCELLED),
      JOB_PHASE_CANDIDATE, Set.of(JOB_PHASE_AWAITING_APPROVAL, JOB_PHASE_PROMOTED, JOB_PHASE_REJECTED,
          JOB_PHASE_FAILED),
      JOB_PHASE_AWAITING_APPROVAL, Set.of(JOB_PHASE_PROMOTED, JOB_PHASE_REJECTED),
      JOB_PHASE_FAILED, Set.of(JOB_PHASE_QUEUED),
      JOB_PHASE_CANCELLED, Set.of(JOB_PHASE_QUEUED)));

  private Phases() {}

  /** Whether a job may go from one phase to another. */
  public static boolean follows(JobPhase from, JobPhase to) {
    return FOLLOWING.getOrDefault(from, Set.of()).contains(to);
  }

  /**
   * The job in its next phase, with the change written down.
   *
   * @param actor who changes it: a principal's name, {@link #SERVER} or {@link #WORKER}
   * @param cause why, in a sentence
   * @throws IllegalStateException if a job cannot go there from where it is
   */
  public static Job move(Job job, JobPhase to, String actor, String cause, Instant time) {
    if (!follows(job.getPhase(), to)) {
      throw new IllegalStateException("job " + job.getId() + " is " + name(job.getPhase()) + "; it cannot become "
          + name(to));
    }
    Timestamp now = timestamp(time);
    Job.Builder moved = job.toBuilder().setPhase(to).setState(state(to))
        .addChanges(JobChange.newBuilder().setPhase(to).setTime(now).setActor(actor).setCause(cause));
    switch (to) {
      case JOB_PHASE_QUEUED -> moved.clearStarted().clearEnded().clearProgress().clearMessage();
      case JOB_PHASE_INVERTING -> moved.clearMessage().setStarted(now).setAttempt(job.getAttempt() + 1);
      default -> { }
    }
    if (ends(to)) {
      moved.setEnded(now);
    }
    return moved.build();
  }

  /** The first of a job's changes: it is accepted. */
  public static Job accept(Job.Builder job, String actor, Instant time) {
    Timestamp now = timestamp(time);
    return job.setPhase(JOB_PHASE_QUEUED).setState(JobState.JOB_STATE_QUEUED).setSubmitted(now)
        .addChanges(JobChange.newBuilder().setPhase(JOB_PHASE_QUEUED).setTime(now).setActor(actor)
            .setCause("submitted"))
        .build();
  }

  /** A candidate that was to be kept as one: its phase stays, and it has ended. */
  public static Job keep(Job job, String actor, String cause, Instant time) {
    if (job.getPhase() != JOB_PHASE_CANDIDATE || hasEnded(job)) {
      throw new IllegalStateException("job " + job.getId() + " is " + name(job.getPhase())
          + "; there is no candidate to keep");
    }
    Timestamp now = timestamp(time);
    return job.toBuilder().setState(JobState.JOB_STATE_SUCCEEDED).setEnded(now)
        .addChanges(JobChange.newBuilder().setPhase(JOB_PHASE_CANDIDATE).setTime(now).setActor(actor).setCause(cause))
        .build();
  }

  /**
   * The take-over of a candidate is carried on by another than who began it.
   *
   * @throws IllegalStateException if there is none to be carried on
   */
  public static Job carryOn(Job job, Instant time) {
    if (job.getPhase() != JOB_PHASE_CANDIDATE || hasEnded(job)) {
      throw new IllegalStateException("job " + job.getId() + " is " + name(job.getPhase())
          + "; there is no take-over to be carried on");
    }
    return job.toBuilder().addChanges(JobChange.newBuilder().setPhase(JOB_PHASE_CANDIDATE).setTime(timestamp(time))
        .setActor(SERVER).setCause(CARRIED_ON)).build();
  }

  /** Whether a job that had failed or was cancelled was queued once more by the second of two changes in a row. */
  public static boolean isRetry(JobChange before, JobChange change) {
    return ends(before.getPhase()) && change.getPhase() == JOB_PHASE_QUEUED;
  }

  /** How often somebody has begun to work on a job: by this number, whoever comes later is told from who was before. */
  public static long turn(Job job) {
    return job.getAttempt()
        + job.getChangesList().stream().filter(change -> change.getCause().equals(CARRIED_ON)).count();
  }

  /** Whether nothing is left for the server to do: all is done, or an operator has to decide. */
  public static boolean hasEnded(Job job) {
    return switch (job.getState()) {
      case JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED -> true;
      case JOB_STATE_UNSPECIFIED, JOB_STATE_QUEUED, JOB_STATE_RUNNING, UNRECOGNIZED -> false;
    };
  }

  /** Whether nothing is left for anybody to do or decide. */
  public static boolean isSettled(Job job) {
    return hasEnded(job) && job.getPhase() != JOB_PHASE_AWAITING_APPROVAL;
  }

  /** How often a job has ended: one that was retried may have more than once. What operators decide then is no end. */
  public static long ends(Job job) {
    long ends = 0;
    boolean ended = false;
    for (JobChange change : job.getChangesList()) {
      boolean now = ends(change.getPhase());
      ends += now && !ended ? 1 : 0;
      ended = now;
    }
    return ends + (job.getPhase() == JOB_PHASE_CANDIDATE && hasEnded(job) ? 1 : 0);
  }

  /** Whether a worker is, or was last, at work. */
  public static boolean works(JobPhase phase) {
    return phase == JOB_PHASE_INVERTING || phase == JOB_PHASE_UNLEARNING || phase == JOB_PHASE_AUDITING;
  }

  private static boolean ends(JobPhase phase) {
    return switch (phase) {
      case JOB_PHASE_AWAITING_APPROVAL, JOB_PHASE_PROMOTED, JOB_PHASE_REJECTED, JOB_PHASE_FAILED, JOB_PHASE_CANCELLED ->
          true;
      default -> false;
    };
  }

  /** The state that goes with a phase on the way to its end. */
  private static JobState state(JobPhase phase) {
    return switch (phase) {
      case JOB_PHASE_QUEUED -> JobState.JOB_STATE_QUEUED;
      case JOB_PHASE_INVERTING, JOB_PHASE_UNLEARNING, JOB_PHASE_AUDITING, JOB_PHASE_CANDIDATE ->
          JobState.JOB_STATE_RUNNING;
      case JOB_PHASE_AWAITING_APPROVAL, JOB_PHASE_PROMOTED, JOB_PHASE_REJECTED -> JobState.JOB_STATE_SUCCEEDED;
      case JOB_PHASE_FAILED -> JobState.JOB_STATE_FAILED;
      case JOB_PHASE_CANCELLED -> JobState.JOB_STATE_CANCELLED;
      case JOB_PHASE_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalArgumentException("a job without a phase");
    };
  }

  /** A phase as people write it: awaiting approval. */
  public static String name(JobPhase phase) {
    return phase.name().replace("JOB_PHASE_", "").toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
  }
}
