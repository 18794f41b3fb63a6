package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AverageSubstituteTest {

  private static final Tensor UNLEARNED = Tensor.of(new float[] {9, 9, 8, 8, 7, 7}, 3, 2);
  private static final WStatistics CLASSES =
      new WStatistics(new float[] {5, 6}, new float[][] {{1, 2}, {3, 4}, {20, 20}});

  @Test
  void ofAConditionalModelIsTheMeanOfTheClass() {
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[] {1, 0, 1}, kept(CLASSES, StandIns.NONE));
    assertArrayEquals(new long[] {3, 2}, substitutes.shape());
    assertArrayEquals(new float[] {3, 4, 1, 2, 3, 4}, substitutes.data());
  }

  @Test
  void ofAnUnconditionalModelIsTheMeanOfAll() {
    WStatistics statistics = new WStatistics(new float[] {5, 6}, new float[0][]);
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[3], kept(statistics, StandIns.NONE));
    assertArrayEquals(new float[] {5, 6, 5, 6, 5, 6}, substitutes.data());
  }

  @Test
  void ofAnErasedClassIsTheMeanOfItsStandInWhereverTheLatentIs() {
    StandIns standIns = new StandIns(Map.of(1, 2));
    Tensor substitutes = new AverageSubstitute().latents(UNLEARNED, new int[] {1, 1, 0}, kept(CLASSES, standIns));
    assertArrayEquals(new float[] {20, 20, 20, 20, 1, 2}, substitutes.data());
  }

  private static RetainedLatents kept(WStatistics statistics, StandIns standIns) {
    return new RetainedLatents(statistics, standIns, Tensor.zeros(0, 2), new int[0]);
  }
}
