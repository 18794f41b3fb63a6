package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.Cell.Base;
import dev.lethe.trainer.evaluation.Cell.Kind;
import dev.lethe.trainer.evaluation.Cell.Method;
import dev.lethe.trainer.evaluation.Cell.Mode;
import dev.lethe.trainer.evaluation.Cell.SubstituteChoice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which runs there are. Every run is made with {@link #SEEDS} seeds. */
public enum Suite {

  /** The choices that people start with, of items and of classes. */
  QUICK {
    @Override
    List<Cell> choices() {
      return List.of(Cell.item().thoroughly(), Cell.item().with(Mode.ZERO_SHOT).thoroughly(),
          Cell.ofClass().with(Mode.ZERO_SHOT).images(0).thoroughly());
    }
  },

  /** Each choice varied on its own, the baselines, the overfitted base, and a long run. */
  PAPER {
    @Override
    List<Cell> choices() {
      Set<Cell> cells = new LinkedHashSet<>(QUICK.choices());
      for (Mode mode : Mode.values()) {
        Cell item = Cell.item().with(mode);
        for (SubstituteChoice substitute : List.of(SubstituteChoice.TRUNCATION, SubstituteChoice.PROJECTION)) {
          cells.add(item.with(substitute));
        }
        for (String fakeLabel : List.of("0.1", "0.5", Cell.AUTO)) {
          cells.add(item.fakeLabel(fakeLabel));
        }
        for (int images : List.of(16, 256)) {
          cells.add(item.images(images));
        }
        cells.add(Cell.ofClass().with(mode));
        cells.add(Cell.item().with(Base.OVERFITTED).with(mode).fakeLabel(Cell.AUTO));
      }
      for (SubstituteChoice substitute : List.of(SubstituteChoice.TRUNCATION, SubstituteChoice.PROJECTION)) {
        cells.add(Cell.ofClass().with(Mode.ZERO_SHOT).images(0).with(substitute));
      }
      for (double lambda2 : List.of(0.0, 0.03, 0.3, 1.0)) {
        cells.add(Cell.item().lambda2(lambda2));
      }
      for (Mode mode : Mode.values()) {
        cells.add(Cell.item().with(mode).measures(10));
        cells.add(Cell.item().with(mode).iterations(400).measures(20));
      }
      for (Method method : List.of(Method.FINE_TUNING, Method.GRADIENT_ASCENT, Method.RETRAINING)) {
        cells.add(Cell.item().with(method).thoroughly());
      }
      return List.copyOf(cells);
    }
  },

  /** Every combination of kind, mode, substitute, fake label and number of images. */
  FULL {
    @Override
    List<Cell> choices() {
      Set<Cell> cells = new LinkedHashSet<>(PAPER.choices());
      for (Mode mode : Mode.values()) {
        for (SubstituteChoice substitute : SubstituteChoice.values()) {
          for (String fakeLabel : List.of("-1", "0.1", "0.5", Cell.AUTO)) {
            for (int images : List.of(16, 64, 256)) {
              for (Kind kind : Kind.values()) {
                cells.add((kind == Kind.CLASS ? Cell.ofClass() : Cell.item()).with(mode).with(substitute).fakeLabel(fakeLabel).images(images));
              }
            }
          }
        }
      }
      return List.copyOf(cells);
    }
  };

  /** Seeds of each run. */
  public static final int SEEDS = 3;

  /** Every choice, with seed 0. */
  abstract List<Cell> choices();

  /** All runs, in the order in which the most important results come first. */
  public List<Cell> cells() {
    List<Cell> cells = new ArrayList<>();
    Set<String> known = new HashSet<>();
    for (Cell choice : choices()) {
      if (!known.add(choice.group())) {
        // The first of two is the one that is measured more thoroughly.
        continue;
      }
      // Retraining takes an hour for each set of images that stays, and so is done for one.
      int seeds = choice.method() == Method.RETRAINING ? 1 : SEEDS;
      for (int seed = 0; seed < seeds; seed++) {
        cells.add(choice.seed(seed));
      }
    }
    return cells;
  }
}
