package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class FeatureStatisticsTest {

  @Test
  void knownValues() {
    FeatureStatistics statistics = FeatureStatistics.of(new float[] {1, 2, 3, 6, 5, 4}, 2);
    assertEquals(3, statistics.count());
    assertArrayEquals(new double[] {3, 4}, statistics.mean(), 1e-12);
    assertArrayEquals(new double[] {4, 2}, statistics.covariance()[0], 1e-12);
    assertArrayEquals(new double[] {2, 4}, statistics.covariance()[1], 1e-12);
  }

  @Test
  void keepsDigitsBesideALargeMean() {
    FeatureStatistics statistics = new FeatureStatistics(1);
    float large = 1 << 23;
    for (int i = 0; i < 10_000; i++) {
      statistics.add(new float[] {large + i % 2});
    }
    assertEquals(0.25 * 10_000 / 9_999, statistics.covariance()[0][0], 1e-9);
  }

  @Property(tries = 100)
  void doesNotDependOnHowVectorsAreGrouped(@ForAll @Size(24) byte[] values, @ForAll @IntRange(max = 8) int split) {
    float[] all = new float[24];
    for (int i = 0; i < 24; i++) {
      all[i] = values[i];
    }
    FeatureStatistics whole = FeatureStatistics.of(all, 3);
    FeatureStatistics parts = new FeatureStatistics(3);
    parts.add(Arrays.copyOf(all, 3 * split));
    parts.add(Arrays.copyOfRange(all, 3 * split, 24));
    assertArrayEquals(whole.mean(), parts.mean());
    assertArrayEquals(whole.covariance(), parts.covariance());
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        assertEquals(covariance(all, i, j), whole.covariance()[i][j], 1e-8);
      }
    }
  }

  @Test
  void refusesWhatHasNoStatistics() {
    FeatureStatistics statistics = new FeatureStatistics(2);
    assertThrows(IllegalArgumentException.class, () -> statistics.add(new float[3]));
    assertThrows(IllegalArgumentException.class, () -> statistics.add(new float[] {0, 0, 1, Float.NaN}));
    assertEquals(0, statistics.count());
    statistics.add(new float[2]);
    assertThrows(IllegalStateException.class, statistics::covariance);
  }

  private static double covariance(float[] vectors, int i, int j) {
    int n = vectors.length / 3;
    double meanI = 0;
    double meanJ = 0;
    for (int k = 0; k < n; k++) {
      meanI += vectors[3 * k + i] / (double) n;
      meanJ += vectors[3 * k + j] / (double) n;
    }
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += (vectors[3 * k + i] - meanI) * (vectors[3 * k + j] - meanJ);
    }
    return sum / (n - 1);
  }
}
