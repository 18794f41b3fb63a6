package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.ByteRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class RocAucTest {

  @Test
  void knownValues() {
    assertEquals(1, RocAuc.of(new float[] {2, 3}, new float[] {0, 1}));
    assertEquals(0, RocAuc.of(new float[] {0, 1}, new float[] {2, 3}));
    assertEquals(0.5, RocAuc.of(new float[] {1, 1}, new float[] {1}));
    // The usual textbook sample: labels 0 0 1 1, scores 0.1 0.4 0.35 0.8.
    assertEquals(0.75, RocAuc.of(new float[] {0.35f, 0.8f}, new float[] {0.1f, 0.4f}));
    assertEquals(5.5 / 6, RocAuc.of(new float[] {3, 2}, new float[] {1, 2, 0}));
    assertEquals(0.5, RocAuc.of(new float[] {0f}, new float[] {-0f}));
    assertEquals(1, RocAuc.of(new float[] {Float.POSITIVE_INFINITY}, new float[] {Float.NEGATIVE_INFINITY}));
  }

  @Test
  void nothingAndNanAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> RocAuc.of(new float[0], new float[] {1}));
    assertThrows(IllegalArgumentException.class, () -> RocAuc.of(new float[] {1}, new float[] {Float.NaN}));
  }

  /** Scores from a few values, so that most samples have ties. */
  @Property(tries = 300)
  void countsPairs(@ForAll @Size(min = 1, max = 30) @ByteRange(min = -3, max = 3) byte[] positives,
      @ForAll @Size(min = 1, max = 30) @ByteRange(min = -3, max = 3) byte[] negatives) {
    double pairs = 0;
    for (byte positive : positives) {
      for (byte negative : negatives) {
        pairs += positive > negative ? 1 : positive == negative ? 0.5 : 0;
      }
    }
    double auc = RocAuc.of(scores(positives, 1), scores(negatives, 1));
    assertEquals(pairs / (positives.length * negatives.length), auc, 1e-15);
    assertEquals(1 - auc, RocAuc.of(scores(negatives, 1), scores(positives, 1)), 1e-15);
    assertEquals(auc, RocAuc.of(scores(positives, 7), scores(negatives, 7)));
  }

  private static float[] scores(byte[] values, int scale) {
    float[] scores = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      scores[i] = scale * values[i] + scale - 1;
    }
    return scores;
  }
}
