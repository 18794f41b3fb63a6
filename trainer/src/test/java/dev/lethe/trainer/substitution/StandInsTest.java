package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StandInsTest {

  @Test
  void isNeverAnErasedOrAGoneClass() {
    ModelWeights model = TinyModel.of(4);
    for (int erased = 0; erased < 4; erased++) {
      for (int gone = 0; gone < 4; gone++) {
        if (gone != erased) {
          StandIns chosen = choose(model, Set.of(erased), Set.of(gone));
          assertEquals(Set.of(erased), chosen.byClass().keySet());
          assertFalse(Set.of(erased, gone).contains(chosen.of(erased)), chosen.toString());
        }
      }
    }
    StandIns both = choose(model, Set.of(0, 1), Set.of(2));
    assertEquals(Map.of(0, 3, 1, 3), both.byClass());
    assertEquals(2, both.of(2), "what is not erased is its own");
  }

  /** Class 1 is made to be drawn as class 3 is, so that it looks most like it. */
  @Test
  void isTheClassThatLooksMostLikeIt() {
    ModelWeights model = TinyModel.of(4);
    Tensor embedding = model.weights().get(model.config().labelEmbedding());
    float[] columns = embedding.data().clone();
    for (int row = 0; row < columns.length; row += 4) {
      columns[row + 1] = columns[row + 3];
    }
    ModelWeights alike = model.with(Map.of(model.config().labelEmbedding(), Tensor.of(columns, embedding.shape())));
    assertEquals(3, choose(alike, Set.of(1), Set.of()).of(1));
    assertEquals(1, choose(alike, Set.of(3), Set.of()).of(3));
  }

  @Test
  void oneClassMustStay() {
    ModelWeights model = TinyModel.of(3);
    assertEquals("no class stays", assertThrows(IllegalArgumentException.class,
        () -> choose(model, Set.of(0, 1), Set.of(2))).getMessage());
  }

  @Test
  void singleImagesAndUnconditionalModelsHaveNone() {
    assertSame(StandIns.NONE, choose(TinyModel.of(3), Set.of(), Set.of()));
    assertSame(StandIns.NONE, choose(TinyModel.of(0), Set.of(), Set.of()));
    assertEquals(2, StandIns.NONE.of(2));
  }

  private static StandIns choose(ModelWeights model, Set<Integer> erased, Set<Integer> gone) {
    return StandIns.choose(model, erased, gone, 0, TestDevice.compute());
  }
}
