package dev.lethe.server.unlearning;

import com.google.protobuf.util.Timestamps;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.jobs.Commitment;
import dev.lethe.server.jobs.ImageNames;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.registry.CanaryTrial;
import dev.lethe.server.registry.ChoiceNotWrittenException;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.server.unlearning.JobRun.JobFailedException;
import dev.lethe.server.unlearning.JobRun.NotServedException;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.Progress;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerJob;
import io.vertx.core.Future;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a job's candidate a version, for those that were merged into it, too. What is to be done is written down before
 * the first step; each step can be done again, or is seen to be done, so that a server that finds a job on this way
 * carries it on.
 */
record TakeOver(TrackedJob tracked, List<TrackedJob> others, ModelRegistry registry, Cleaning cleaning,
    Storing storing, Canary canary) {

  private static final Logger LOG = LoggerFactory.getLogger(TakeOver.class);
  private static final int AGAIN_SECONDS = 5;
  private static final String NO_SPACE = "No space left on device";
  /** Of a machine that has no room now, or a disk that takes nothing, as systems put it. */
  private static final List<String> TROUBLES = List.of(NO_SPACE, "Disk quota exceeded", "Read-only file system",
      "Input/output error", "Operation not permitted", "Too many open files", "Stale file handle",
      "Cannot allocate memory", "Resource temporarily unavailable");

  /** Carries out a change of the store, and repeats it while the store cannot be used. */
  interface Storing {
    void stored(Runnable change) throws InterruptedException;
  }

  /**
   * The bundle that a worker has left, if it is the one that was asked for.
   *
   * @throws JobFailedException if it is not
   */
  static Bundle candidate(TrackedJob tracked, WorkerJob work) throws JobFailedException {
    Bundle candidate;
    Job job = tracked.record().job();
    try {
      candidate = Bundle.open(tracked.directory().candidate());
    } catch (IOException e) {
      throw new JobFailedException("the worker left no candidate: " + e.getMessage(), e);
    }
    // A worker's card may lack anything.
    if (!job.getSpec().getModel().equals(candidate.card().name())
        || !work.getNewVersion().equals(candidate.card().version())
        || !job.getBaseVersion().equals(candidate.card().parentVersion())) {
      throw new JobFailedException("the worker's candidate says that it is version " + candidate.card().version()
          + " of " + candidate.card().name() + ", made from " + candidate.card().parentVersion() + "; it should be "
          + work.getNewVersion() + " of " + job.getSpec().getModel() + ", made from " + job.getBaseVersion(), null);
    }
    return candidate;
  }

  /**
   * Decides what becomes of a candidate, and writes it down.
   *
   * @param ask whether an operator has to approve what no gate refuses
   */
  static void decide(TrackedJob tracked, Bundle candidate, UnlearnReport report, boolean ask) {
    tracked.change(stored -> {
      Job job = stored.job();
      List<String> gates = PromotionGates.failures(job.getSpec().getGates(), report);
      List<String> reasons = new ArrayList<>();
      if (job.getSpec().getKeepAsCandidate()) {
        reasons.add("the request asked to keep it as a candidate");
      }
      reasons.addAll(gates);
      Intent intent = job.getSpec().getKeepAsCandidate() ? Intent.KEEP : !gates.isEmpty() ? Intent.REJECT
          : ask ? Intent.ASK : Intent.PROMOTE;
      Job moved = Phases.move(job, JobPhase.JOB_PHASE_CANDIDATE, Phases.WORKER, "version " + candidate.card().version()
          + " is made and measured", Instant.now());
      return stored.with(moved.toBuilder().setReport(report).setNewVersion(candidate.card().version())
          .setMessage(reasons.isEmpty() ? "" : "not promoted: " + String.join("; ", reasons)).build(), intent);
    });
  }

  /**
   * Carries the decision out.
   *
   * @throws NotServedException if the model is unloaded meanwhile, which decides nothing about what was made of it
   */
  void run() throws InterruptedException, JobFailedException, IOException {
    JobRecord record = tracked.record();
    Job job = record.job();
    ServedModel model = JobRun.model(registry, job);
    boolean tried = canary.tries(model, record);
    boolean promoted = install(model, job, record.work(), record.intent() == Intent.PROMOTE && !tried);
    // Before the end is told: who hears of it finds no image any more, and the report's pictures at hand.
    Merging.concat(tracked, others).forEach(made -> cleaning.clean(made.directory(), made.record()));
    Progress finished = tracked.job().getProgress().toBuilder().setFraction(1).setSecondsLeft(0)
        .build();
    if (tried) {
      Optional<CanaryTrial.Outcome> outcome = canary.run(tracked, model, job.getNewVersion());
      if (outcome.isEmpty()) {
        return;
      }
      storing.stored(() -> noteTrial(outcome.get()));
      promoted = outcome.get().against().isEmpty() && record.intent() == Intent.PROMOTE && promote(model, job);
    }
    end(model, finished, promoted);
  }

  /** Writes down what a trial has come to; a candidate that has not stood it is not promoted. */
  private void noteTrial(CanaryTrial.Outcome outcome) {
    tracked.changeWith(others, stored -> {
      Job noted = stored.job().toBuilder().addChanges(JobChange.newBuilder().setPhase(stored.job().getPhase())
          .setTime(Timestamps.now()).setActor(Phases.SERVER).setCause("canary: " + outcome.words())).build();
      return outcome.against().isEmpty() ? stored.with(noted)
          : stored.with(noted.toBuilder().setMessage("not promoted: canary: " + outcome.against().get() + ": "
              + outcome.words()).build(), Intent.REJECT);
    });
  }

  private boolean promote(ServedModel model, Job job) throws InterruptedException, JobFailedException, IOException {
    return carriedOut(job, () -> promotion(model, job, job.getBaseVersion()));
  }

  /** Nobody can reject what no operator is asked about. */
  private static Future<Boolean> promotion(ServedModel model, Job job, String instead) {
    return model.promote(job.getNewVersion(), instead, Approval.gates(), Database.Work.NOTHING);
  }

  /** Something that can be begun again. */
  private interface Step {
    Future<Boolean> begin() throws IOException, JobFailedException;
  }

  /** Carries a step out, again and again while the disk or the database does not take what is to be written. */
  private boolean carriedOut(Job job, Step step) throws InterruptedException, JobFailedException, IOException {
    while (true) {
      try {
        return step.begin().toCompletionStage().toCompletableFuture().get();
      } catch (ExecutionException e) {
        if (isTakenLater(e)) {
          await(job, e.getCause());
        } else if (e.getCause() instanceof Unavailable) {
          throw new NotServedException();
        } else {
          throw refused(e);
        }
      } catch (IOException | StoreException e) {
        if (!isTakenLater(e)) {
          throw e;
        }
        await(job, e);
      }
    }
  }

  private void await(Job job, Throwable reason) throws InterruptedException {
    if (canary.closing().getAsBoolean()) {
      throw new InterruptedException("the server ends");
    }
    LOG.error("job {}: its version cannot be taken over ({}); it is tried again", job.getId(), reason.toString());
    TimeUnit.SECONDS.sleep(AGAIN_SECONDS);
  }

  private static JobFailedException refused(ExecutionException failure) {
    String reason = failure.getCause() instanceof DomainException refusal ? refusal.getMessage()
        : failure.getCause().toString();
    return new JobFailedException("the candidate was refused: " + reason, failure);
  }

  private void end(ServedModel model, Progress finished, boolean promoted) throws InterruptedException {
    JobRecord record = tracked.record();
    Job job = record.job();
    storing.stored(() -> {
      switch (record.intent()) {
        case PROMOTE -> promoted(model, job, finished, promoted);
        case ASK -> tracked.move(JobPhase.JOB_PHASE_AWAITING_APPROVAL, Phases.SERVER, "an operator decides",
            end -> end.setProgress(finished).setMessage("awaits the approval of an operator"));
        case KEEP -> tracked.change(stored -> stored.with(
            Phases.keep(stored.job(), Phases.SERVER, job.getMessage(), Instant.now()).toBuilder().setProgress(finished)
                .build()));
        case REJECT -> move(JobPhase.JOB_PHASE_REJECTED, job.getMessage(), end -> end.setProgress(finished));
        case NONE -> throw new IllegalStateException("job " + job.getId()
            + " has a candidate that nobody has decided on");
      }
    });
  }

  private void promoted(ServedModel model, Job job, Progress finished, boolean promoted) {
    if (promoted) {
      move(JobPhase.JOB_PHASE_PROMOTED, "version " + job.getNewVersion() + " serves",
          end -> end.setPromoted(true).clearMessage().setProgress(finished));
      return;
    }
    String reason = "not promoted: " + model.notPromoted(job.getBaseVersion());
    move(JobPhase.JOB_PHASE_REJECTED, reason, end -> end.setMessage(reason).setProgress(finished));
  }

  private void move(JobPhase to, String cause, Consumer<Job.Builder> more) {
    Instant now = Instant.now();
    tracked.changeWith(others, stored -> {
      Job.Builder moved = Phases.move(stored.job(), to, Phases.SERVER, cause, now).toBuilder();
      more.accept(moved);
      return stored.with(moved.build());
    });
  }

  /** @return whether the version serves now, which it does if it is to and nothing speaks against it */
  private boolean install(ServedModel model, Job job, WorkerJob work, boolean promote)
      throws InterruptedException, JobFailedException, IOException {
    String instead = promote ? job.getBaseVersion() : null;
    return carriedOut(job, () -> {
      if (registry.store().versions(model.name()).containsKey(job.getNewVersion())) {
        requireMade(model, job);
        // A server got so far that ended then.
        return promote ? promotion(model, job, instead) : Future.succeededFuture(false);
      }
      Bundle candidate = candidate(tracked, work);
      keepReport(ErasureCertificate.REPORT, tracked.record());
      for (TrackedJob other : others) {
        keepReport(ErasureCertificate.reportFile(other.id()), other.record());
      }
      return model.install(candidate, instead);
    });
  }

  /** A version of the same name that somebody else made must not pass for what was asked for. */
  private void requireMade(ServedModel model, Job job) throws JobFailedException, IOException {
    Optional<byte[]> report = registry.store().proof(model.name(), job.getNewVersion()).read(ErasureCertificate.REPORT);
    if (report.isEmpty() || !ErasureCertificate.job(report.get()).equals(job.getId())) {
      throw new JobFailedException("there is a version " + job.getNewVersion() + " already that another job made, or"
          + " nobody; the candidate is not taken over. Submit the images again", null);
    }
  }

  private void keepReport(String name, JobRecord record) throws IOException {
    // It outlives the images, and what their client called them.
    Job job = ImageNames.of(record.work()).without(record.job());
    // Who was carried out with whom is in no certificate: it is nobody else's matter.
    tracked.directory().keepReport(name, ErasureCertificate.report(
        job.toBuilder().clearMergedInto().clearMergedJobs()
            .setSpec(job.getSpec().toBuilder().clearRequestKey()).build(),
        record.unlearned(cleaning.store().commitments(job.getId())).stream().map(Commitment::sha256).toList()));
  }

  /** Whether what failed may be done once the disk takes it, or the database is back. */
  static boolean isTakenLater(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof StoreException || cause instanceof ChoiceNotWrittenException
          || cause instanceof AccessDeniedException
          || cause instanceof IOException && isTrouble(String.valueOf(cause.getMessage()))) {
        return true;
      }
    }
    return false;
  }

  /** Whether what somebody says of a failure is about the machine, and nothing else. */
  static boolean isTrouble(String said) {
    return TROUBLES.stream().anyMatch(said::contains);
  }

  /** Linux and macOS say it in these words; Java has no exception of its own for it. */
  static boolean isFullDisk(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException && String.valueOf(cause.getMessage()).contains(NO_SPACE)) {
        return true;
      }
    }
    return false;
  }
}
