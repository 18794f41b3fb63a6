package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TruncationSubstituteTest {

  private static final WStatistics CLASSES = new WStatistics(new float[2], new float[][] {{1, 2}, {3, 4}});

  @Test
  void liesBetweenTheLatentAndItsMean() {
    RetainedLatents kept = new RetainedLatents(CLASSES, StandIns.NONE, Tensor.zeros(0, 2), new int[0]);
    assertArrayEquals(new float[] {1 + 0.25f * 8, 2 + 0.25f * 4},
        new TruncationSubstitute(0.25).of(new float[] {9, 6}, 0, kept));
    assertArrayEquals(new float[] {1, 2}, new TruncationSubstitute(0).of(new float[] {9, 6}, 0, kept));
  }

  @Test
  void ofAnErasedClassLiesAsFarFromTheMeanThatStandsIn() {
    RetainedLatents kept = new RetainedLatents(CLASSES, new StandIns(Map.of(0, 1)), Tensor.zeros(0, 2), new int[0]);
    assertArrayEquals(new float[] {3 + 0.5f * 8, 4 + 0.5f * 4},
        new TruncationSubstitute(0.5).of(new float[] {9, 6}, 0, kept));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, Double.NaN})
  void psiMustLeaveSomethingToForget(double psi) {
    assertThrows(IllegalArgumentException.class, () -> new TruncationSubstitute(psi));
  }
}
