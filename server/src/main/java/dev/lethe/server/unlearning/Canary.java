package dev.lethe.server.unlearning;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.registry.CanaryRules;
import dev.lethe.server.registry.CanaryTrial;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.unlearning.JobRun.JobFailedException;
import dev.lethe.v1.Progress;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Lets a candidate serve a share of the requests before it is promoted, for as long as the operator says. A server that
 * ends on the way leaves the job where it is, and the next one begins the trial anew.
 *
 * @param closing whether the server ends
 */
record Canary(CanaryRules rules, BooleanSupplier closing) {

  private static final Duration LOOK = Duration.ofMillis(100);

  /** Whether the candidate of a job is tried: its gates let it pass, and it does not serve yet. */
  boolean tries(ServedModel model, JobRecord record) {
    return rules.of(model.name()).isOn() && (record.intent() == Intent.PROMOTE || record.intent() == Intent.ASK)
        && !model.activeVersion().equals(Optional.of(record.job().getNewVersion()));
  }

  /**
   * Tries an installed version. Blocks until that is over.
   *
   * @return empty if the trial is to begin anew: where the job is carried on elsewhere, or once the server has
   *     started again or the model is loaded again
   */
  Optional<CanaryTrial.Outcome> run(TrackedJob tracked, ServedModel model, String version)
      throws InterruptedException, JobFailedException, IOException {
    // Made from a version that was rolled back to, for instance: then there is nothing to find out.
    Optional<String> retired = model.retired(version);
    if (retired.isPresent()) {
      return Optional.of(new CanaryTrial.Outcome(Optional.of("it cannot be promoted"), retired.get()));
    }
    CanaryRules.Rule rule = rules.of(model.name());
    CanaryTrial trial;
    try {
      trial = model.beginTrial(version, rule).toCompletionStage().toCompletableFuture().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Unavailable) {
        return Optional.empty();
      }
      throw new JobFailedException("the candidate cannot serve a share of the requests: "
          + (e.getCause() instanceof DomainException refusal ? refusal.getMessage() : e.getCause().toString()), e);
    }
    long began = System.nanoTime();
    try {
      int told = -1;
      while (!trial.isOver() && System.nanoTime() - began < rule.time().toNanos()) {
        if (closing.getAsBoolean() || tracked.isLost()) {
          return Optional.empty();
        }
        int calls = trial.calls();
        if (calls != told) {
          told = calls;
          tracked.progress(Progress.newBuilder().setStage("canary").setStep(calls).setSteps(rule.calls())
              .setFraction(0.99).build());
        }
        TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
      }
      // Broken, and the version that the candidate is to replace serves as before, or will: it was unloaded meanwhile.
      boolean anew = model.activeVersion().map(tracked.record().job().getBaseVersion()::equals).orElse(true);
      return trial.isBroken() && anew ? Optional.empty() : Optional.of(trial.outcome());
    } finally {
      model.endTrial(trial);
    }
  }
}
