package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.Experiment.Base;
import dev.lethe.trainer.evaluation.Experiment.Method;
import dev.lethe.trainer.evaluation.Experiment.SubstituteChoice;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which runs there are. Every run is made with {@link #SEEDS} seeds, each of other images. */
enum Suite {

  /** 64 images, with the controls that must fail. */
  QUICK {
    @Override
    List<Experiment> choices() {
      Experiment items = Experiment.items(64);
      return List.of(items, items.with(Method.NOTHING), items.with(Method.DISCRIMINATOR_ONLY));
    }
  },

  /** What a model of natural images is measured by, whose pictures take longer: 16 images, a class, the controls. */
  NATURAL {
    @Override
    List<Experiment> choices() {
      Experiment items = Experiment.items(16);
      return List.of(items, Experiment.ofClasses(7), items.with(Method.NOTHING), items.with(Method.DISCRIMINATOR_ONLY),
          Experiment.ofClasses(7).with(Method.NOTHING), Experiment.ofClasses(7).with(Method.RETRAINING),
          items.with(Method.PAPER), items.with(Method.FINE_TUNING), items.with(Method.GRADIENT_ASCENT),
          Experiment.items(1), Experiment.items(64));
    }
  },

  /** Each choice varied on its own, classes, the baselines, a base that memorises, jobs in a row. */
  PAPER {
    @Override
    List<Experiment> choices() {
      Experiment items = Experiment.items(64);
      Set<Experiment> runs = new LinkedHashSet<>(QUICK.choices());
      runs.add(items.with(Base.CANARIES));
      runs.add(items.with(Base.CANARIES).with(Method.NOTHING));
      runs.add(items.with(Base.CANARIES).with(Method.RETRAINING));
      runs.add(Experiment.ofClasses(7));
      runs.add(Experiment.ofClasses(0));
      runs.add(Experiment.ofClasses(3, 8));
      runs.add(Experiment.ofClasses(7).with(Method.NOTHING));
      runs.add(Experiment.ofClasses(7).with(Method.RETRAINING));
      runs.add(items.with(Method.PAPER));
      runs.add(items.with(Method.FINE_TUNING));
      runs.add(items.with(Method.GRADIENT_ASCENT));
      runs.add(items.with(Method.RETRAINING));
      for (int images : List.of(1, 4, 16, 256)) {
        runs.add(Experiment.items(images));
      }
      runs.add(items.withoutLearningImages());
      runs.add(items.with(Method.PAPER).withoutLearningImages());
      runs.add(items.inARow(3));
      runs.add(items.inARow(10));
      for (SubstituteChoice substitute : SubstituteChoice.values()) {
        runs.add(items.with(substitute));
      }
      return List.copyOf(runs);
    }
  };

  /** Seeds of each run. */
  static final int SEEDS = 3;

  /** Every choice, with seed 0, the most important first. */
  abstract List<Experiment> choices();

  /** All runs: the first seed of every choice first, so that an evaluation that is stopped shows all of them. */
  List<Experiment> runs() {
    List<Experiment> runs = new ArrayList<>();
    for (int seed = 0; seed < SEEDS; seed++) {
      for (Experiment choice : choices()) {
        // Retraining takes an hour for each set that stays, and so is done for one; a class is the same for every seed.
        boolean once = choice.method() == Method.RETRAINING && choice.base() == Base.SHIPPED;
        if (seed == 0 || !once) {
          runs.add(choice.seed(seed));
        }
      }
    }
    return runs;
  }
}
