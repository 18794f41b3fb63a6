package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class AverageSubstituteTest {

  private static final Tensor UNLEARNED = Tensor.of(new float[] {9, 9, 8, 8, 7, 7}, 3, 2);

  @Test
  void ofAConditionalModelIsTheMeanOfTheClass() {
    WStatistics statistics = new WStatistics(new float[] {5, 6}, new float[][] {{1, 2}, {3, 4}});
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[] {1, 0, 1}, statistics);
    assertArrayEquals(new long[] {3, 2}, substitutes.shape());
    assertArrayEquals(new float[] {3, 4, 1, 2, 3, 4}, substitutes.data());
  }

  @Test
  void ofAnUnconditionalModelIsTheMeanOfAll() {
    WStatistics statistics = new WStatistics(new float[] {5, 6}, new float[0][]);
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[3], statistics);
    assertArrayEquals(new float[] {5, 6, 5, 6, 5, 6}, substitutes.data());
  }
}
