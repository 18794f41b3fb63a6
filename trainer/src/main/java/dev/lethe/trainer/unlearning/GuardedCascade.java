package dev.lethe.trainer.unlearning;

import dev.lethe.trainer.cascade.Cascade;
import dev.lethe.trainer.model.ModelWeights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A cascade's run to its end, or to where it goes wrong: then the last good state is what it gives. */
public final class GuardedCascade {

  /** How often a state is kept where there is no guard. */
  private static final int STATES = 5;
  /** A loss that has grown to so many times what it was at first, and by as much in itself, will not come back. */
  private static final double EXPLOSION = 10;

  /**
   * What the run gave.
   *
   * @param iterations that {@code model} has had
   * @param diverged the losses exploded after that
   * @param notes what happened, in sentences
   */
  record Result(ModelWeights model, int iterations, boolean diverged, List<String> notes) {}

  /** Told of every iteration: losses, and metrics where they were measured. */
  public interface Progress {
    void iteration(int iteration, int iterations, Map<String, Double> values);
  }

  private final Cascade cascade;
  private final ModelWeights original;
  private final Optional<Guard> guard;
  private double firstLoss;
  private ModelWeights kept;
  private int keptIterations;

  /** @param original what the cascade started from */
  GuardedCascade(Cascade cascade, ModelWeights original, Optional<Guard> guard) {
    this.cascade = cascade;
    this.original = original;
    this.guard = guard;
  }

  /** @throws DivergedException if there is no good state yet when the losses explode */
  Result run(int iterations, Progress progress) throws IOException {
    List<String> notes = new ArrayList<>();
    int every = Math.max(1, iterations / guard.map(g -> g.bounds().checks()).orElse(STATES));
    for (int i = 1; i <= iterations; i++) {
      Cascade.Losses losses = cascade.iterate();
      if (i == 1) {
        firstLoss = sum(losses);
      }
      if (exploded(losses)) {
        if (kept == null) {
          throw new DivergedException(i, losses);
        }
        notes.add("the cascade diverged in iteration " + i + " (" + losses + "); the candidate is what it was after "
            + keptIterations + " iterations. Lower learning_rate.");
        return new Result(kept, keptIterations, true, notes);
      }
      Map<String, Double> values = values(losses);
      if (i == iterations || i % every == 0) {
        ModelWeights state = original.with(cascade.weights());
        Optional<Guard.Values> measured = guard.map(g -> g.measure(state));
        measured.ifPresent(m -> {
          m.aucLu().ifPresent(auc -> values.put("auc_lu", auc));
          values.put("fid_l", m.fidL());
        });
        if (measured.isPresent() && !guard.orElseThrow().admits(measured.get())) {
          progress.iteration(i, iterations, values);
          notes.add(stop(i, state, guard.orElseThrow(), measured.get()));
          return new Result(kept, keptIterations, false, notes);
        }
        keep(state, i);
      }
      progress.iteration(i, iterations, values);
    }
    return new Result(kept, keptIterations, false, notes);
  }

  /** Ends a run that goes too far; the state that does is kept only where there is no other. */
  private String stop(int iteration, ModelWeights state, Guard guard, Guard.Values measured) {
    if (kept == null) {
      keep(state, iteration);
    }
    return "stopped after iteration " + iteration + ": " + guard.objection(measured) + "; the candidate is what it was "
        + "after " + keptIterations + " iterations.";
  }

  private void keep(ModelWeights state, int iteration) {
    kept = state;
    keptIterations = iteration;
  }

  private boolean exploded(Cascade.Losses losses) {
    return !losses.finite() || sum(losses) > EXPLOSION * (1 + firstLoss);
  }

  private static double sum(Cascade.Losses losses) {
    return losses.unlearnGenerator() + losses.learnGenerator() + losses.unlearnDiscriminator()
        + losses.learnDiscriminator();
  }

  private static Map<String, Double> values(Cascade.Losses losses) {
    Map<String, Double> values = new HashMap<>();
    values.put("unlearn_g_loss", losses.unlearnGenerator());
    values.put("learn_g_loss", losses.learnGenerator());
    values.put("unlearn_d_loss", losses.unlearnDiscriminator());
    values.put("learn_d_loss", losses.learnDiscriminator());
    return values;
  }

  /** The cascade's losses exploded before there was a state worth keeping. */
  public static final class DivergedException extends RuntimeException {

    private static final long serialVersionUID = 1;

    DivergedException(int iteration, Cascade.Losses losses) {
      super("unlearning diverged in iteration " + iteration + " (" + losses
          + "); lower learning_rate");
    }
  }
}
