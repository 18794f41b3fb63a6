package dev.lethe.trainer.unlearning;

import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.ComputeCost;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A redaction's run: to its target, to what its guard admits, or to its last step. The last good state is what it
 * gives.
 */
final class RedactionRun {

  /** Steps between looks at how far the run is. */
  private static final int EVERY = 10;
  /**
   * Steps of a run that settles, as a multiple of the planned ones. While the learning rate falls, and at its end, what
   * was moved along with the target comes back; what does not adds up over a model's jobs. On digits the second 220
   * steps of a second job brought FID from 1.06 times the root's to 1.03.
   */
  private static final int SETTLING = 2;

  /** Says of a state why it goes too far; empty if it does not. */
  interface Guard {
    Optional<String> objection(ModelWeights state);
  }

  /**
   * How much is redacted.
   *
   * @param own share at the latents that the job goes by
   * @param watched share at latents that do not move
   * @param clear the same, by a margin
   * @param far the same, most of the way
   * @param left share that may be left when the run stops
   * @param reached how far each image is, for {@link GeneratorRedaction#weigh}; empty where that is not known
   */
  record Shares(double own, double watched, double clear, double far, double left, double[] reached) {

    /**
     * Whether the run may end. Few images cross the half of their way within ten steps; but while the learning rate is
     * high they go on at no cost, and what was moved along with them has not come back yet. So a run takes a quarter of
     * the planned steps, and half of them unless all that is unlearned has gone far.
     *
     * @param planned the part of the planned steps that is done; from 1 on the learning rate has fallen, so that more
     *     steps change little: then the margin need not be reached
     */
    boolean enough(double planned) {
      boolean reached = own >= 1 - left && (planned >= 1 ? watched : clear) >= 1 - left;
      return reached && (planned >= 0.5 || planned >= 0.25 && far >= 1 - left);
    }
  }

  /** Says of a state how much of it is redacted. */
  interface Watch {
    Shares of(Sampler candidate);
  }

  /**
   * What the run gave.
   *
   * @param steps that {@code model} has had
   * @param diverged the losses were no numbers any more after that
   * @param notes what happened, in sentences
   */
  record Result(ModelWeights model, int steps, boolean diverged, ComputeCost cost, List<String> notes) {}

  private final ModelWeights original;
  private final GeneratorRedaction redaction;
  private final RedactionOptions options;
  private final int least;
  private final Watch watch;
  private final Guard guard;
  private final ResumePoints resume;
  private final Compute compute;
  private final List<String> notes = new ArrayList<>();
  private ModelWeights kept;
  private int keptSteps;
  private boolean reached;

  /**
   * @param settles the run goes on beyond its target, to {@value #SETTLING} times its planned steps
   * @param resume where a run is kept on its way, if that takes long
   */
  RedactionRun(ModelWeights original, GeneratorRedaction redaction, RedactionOptions options, boolean settles,
      Watch watch, Guard guard, ResumePoints resume, Compute compute) {
    this.original = original;
    this.redaction = redaction;
    this.options = options;
    this.least = settles ? SETTLING * options.plannedSteps() : 0;
    this.watch = watch;
    this.guard = guard;
    this.resume = resume;
    this.compute = compute;
    this.kept = original;
  }

  Result run(GuardedCascade.Progress progress) throws IOException {
    int steps = options.steps();
    int from = redaction.steps();
    if (from > 0) {
      // It was kept when it had been looked at and found to be good.
      kept = original.with(redaction.weights());
      keptSteps = from;
      resume.note("a worker of the job ended on the way, and another carried the generator's unlearning on from step "
          + from);
      progress.iteration(from, expected(from), Map.of());
    }
    for (int step = from + 1; step <= steps; step++) {
      GeneratorRedaction.Losses losses = redaction.step();
      if (!losses.finite()) {
        notes.add("the generator's losses were no numbers in step " + step + "; it is what it was after " + keptSteps
            + " steps. Lower learning_rate.");
        return result(true);
      }
      Map<String, Double> values = new HashMap<>(Map.of("moving_loss", losses.moving(), "anchor_loss",
          losses.anchors(), "random_loss", losses.random()));
      boolean ended = (step % EVERY == 0 || step == steps) && look(step, values);
      progress.iteration(step, expected(step), values);
      if (ended) {
        return result(false);
      }
      if (keptSteps == step && resume.due()) {
        redaction.keep(resume);
      }
    }
    if (!reached) {
      notes.add("the generator had all of its " + steps + " steps and did not reach its target; more iterations or a "
          + "larger moving_weight may.");
    }
    return result(false);
  }

  /** Steps in all, as told after one: most runs end while the learning rate falls. */
  private int expected(int step) {
    return Math.min(options.steps(), Math.max(step, Math.max(least, options.plannedSteps())));
  }

  /** Keeps the present state if it is good; true if the run ends with it. */
  private boolean look(int step, Map<String, Double> values) throws IOException {
    ModelWeights state = original.with(redaction.weights());
    Optional<String> objection = guard.objection(state);
    if (objection.isPresent()) {
      notes.add(String.format(Locale.ROOT, "the generator stopped after step %d: %s; it is what it was after %d steps.",
          step, objection.get(), keptSteps));
      return true;
    }
    kept = state;
    keptSteps = step;
    try (Sampler sampler = Sampler.open(state.config(), state.weights(), compute)) {
      Shares shares = watch.of(sampler);
      values.put("redacted_own", shares.own());
      values.put("redacted_watched", shares.watched());
      if (shares.reached().length > 0) {
        redaction.weigh(shares.reached());
      }
      reached = shares.enough((double) step / options.plannedSteps());
      return reached && step >= least;
    }
  }

  private Result result(boolean diverged) {
    return new Result(kept, keptSteps, diverged, redaction.cost(), notes);
  }
}
