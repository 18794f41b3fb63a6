package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AverageSubstituteTest {

  private static final Tensor UNLEARNED = Tensor.of(new float[] {9, 9, 8, 8, 7, 7}, 3, 2);
  private static final WStatistics CLASSES =
      new WStatistics(new float[] {5, 6}, new float[][] {{1, 2}, {3, 4}, {20, 20}});

  @Test
  void ofAConditionalModelIsTheMeanOfTheClass() {
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[] {1, 0, 1}, kept(CLASSES, Set.of()));
    assertArrayEquals(new long[] {3, 2}, substitutes.shape());
    assertArrayEquals(new float[] {3, 4, 1, 2, 3, 4}, substitutes.data());
  }

  @Test
  void ofAnUnconditionalModelIsTheMeanOfAll() {
    WStatistics statistics = new WStatistics(new float[] {5, 6}, new float[0][]);
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[3], kept(statistics, Set.of()));
    assertArrayEquals(new float[] {5, 6, 5, 6, 5, 6}, substitutes.data());
  }

  @Test
  void ofAnErasedClassIsTheMeanOfTheNearestThatStays() {
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[] {1, 1, 0}, kept(CLASSES, Set.of(1)));
    assertArrayEquals(new float[] {1, 2, 1, 2, 1, 2}, substitutes.data());
    Tensor near = Tensor.of(new float[] {15, 16}, 1, 2);
    assertArrayEquals(new float[] {20, 20},
        new AverageSubstitute().latents(near, new int[] {1}, kept(CLASSES, Set.of(1))).data());
  }

  @Test
  void thereMustBeAClassThatStays() {
    RetainedLatents none = kept(CLASSES, Set.of(0, 1, 2));
    assertThrows(IllegalArgumentException.class,
        () -> new AverageSubstitute().latents(UNLEARNED, new int[] {0, 1, 2}, none));
  }

  private static RetainedLatents kept(WStatistics statistics, Set<Integer> erased) {
    return new RetainedLatents(statistics, erased, Tensor.zeros(0, 2), new int[0]);
  }
}
