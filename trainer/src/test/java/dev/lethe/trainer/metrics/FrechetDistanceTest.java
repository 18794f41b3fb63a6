package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

class FrechetDistanceTest {

  /** Of diagonal covariances: the squared differences of means and of deviations. */
  @Test
  void diagonalCovariances() {
    double[][] c1 = {{4, 0, 0}, {0, 9, 0}, {0, 0, 0}};
    double[][] c2 = {{1, 0, 0}, {0, 25, 0}, {0, 0, 16}};
    double distance = FrechetDistance.between(new double[] {1, 2, 3}, c1, new double[] {1, 0, 4}, c2);
    assertEquals(4 + 1 + 1 + 4 + 16, distance, 1e-9);
  }

  /** Of two dimensions: tr((C1 C2)^½) = √(tr(C1 C2) + 2 √(det C1 det C2)), also where C1 and C2 do not commute. */
  @Property(tries = 300)
  void twoDimensions(@ForAll @DoubleRange(min = 0.1, max = 9) double a,
      @ForAll @DoubleRange(min = 0.1, max = 9) double b,
      @ForAll @DoubleRange(min = -0.9, max = 0.9) double correlation1,
      @ForAll @DoubleRange(min = 0.1, max = 9) double c, @ForAll @DoubleRange(min = 0.1, max = 9) double d,
      @ForAll @DoubleRange(min = -0.9, max = 0.9) double correlation2) {
    double e = correlation1 * Math.sqrt(a * b);
    double f = correlation2 * Math.sqrt(c * d);
    double root = Math.sqrt(a * c + 2 * e * f + b * d + 2 * Math.sqrt((a * b - e * e) * (c * d - f * f)));
    double[][] c1 = {{a, e}, {e, b}};
    double[][] c2 = {{c, f}, {f, d}};
    double distance = FrechetDistance.between(new double[] {0, 3}, c1, new double[] {4, 0}, c2);
    assertEquals(25 + a + b + c + d - 2 * root, distance, 1e-9);
    assertEquals(distance, FrechetDistance.between(new double[] {4, 0}, c2, new double[] {0, 3}, c1), 1e-9);
  }

  /** Turning the space changes nothing; scaling it by s scales the distance by s²; a set has no distance to itself. */
  @Property(tries = 50)
  void invariances(@ForAll Random random) {
    int features = 6;
    float[] x = vectors(random, 40, features, 1);
    float[] y = vectors(random, 30, features, 2);
    double distance = FrechetDistance.between(x, y, features);
    assertEquals(0, FrechetDistance.between(x, x, features), 1e-6);
    assertEquals(distance, FrechetDistance.between(y, x, features), 1e-6 * distance);
    assertEquals(distance, FrechetDistance.between(turned(x), turned(y), features), 1e-4 * distance);
    assertEquals(9 * distance, FrechetDistance.between(moved(x, 3, 5), moved(y, 3, 5), features), 1e-4 * distance);
  }

  @Test
  void samplesComeCloseToTheirDistributions() {
    Random random = new Random(1);
    int n = 200_000;
    float[] x = new float[2 * n];
    float[] y = new float[2 * n];
    for (int i = 0; i < n; i++) {
      x[2 * i] = (float) random.nextGaussian();
      x[2 * i + 1] = (float) (2 * random.nextGaussian());
      y[2 * i] = (float) (1 + 3 * random.nextGaussian());
      y[2 * i + 1] = (float) (2 * random.nextGaussian());
    }
    assertEquals(1 + 4, FrechetDistance.between(x, y, 2), 0.05);
  }

  /** Fewer vectors than features and features that are always 0, as trained networks have them. */
  @Test
  void singularCovariancesOf256FeaturesConverge() {
    int features = 256;
    Random random = new Random(2);
    float[] x = vectors(random, 100, features, 1);
    float[] y = vectors(random, 500, features, 1);
    for (int i = 0; i < x.length; i += 8) {
      x[i] = 0;
    }
    for (int i = 0; i < y.length; i += 8) {
      y[i] = 0;
    }
    double distance =
        assertTimeout(Duration.ofSeconds(20), () -> FrechetDistance.between(x, y, features));
    assertTrue(distance > 1 && distance < 1000, "distance " + distance);
    assertEquals(0, FrechetDistance.between(x, x, features), 1e-4);
  }

  @Test
  void sizesMustAgree() {
    assertThrows(IllegalArgumentException.class,
        () -> FrechetDistance.between(new double[1], new double[1][1], new double[2], new double[2][2]));
  }

  private static float[] vectors(Random random, int count, int features, double scale) {
    float[] vectors = new float[count * features];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = (float) (Math.max(0, random.nextGaussian()) * scale * (1 + i % features / (double) features));
    }
    return vectors;
  }

  /** A rotation in the plane of each two neighbouring features. */
  private static float[] turned(float[] vectors) {
    float[] turned = new float[vectors.length];
    for (int i = 0; i < vectors.length; i += 2) {
      turned[i] = (float) (Math.cos(1) * vectors[i] - Math.sin(1) * vectors[i + 1]);
      turned[i + 1] = (float) (Math.sin(1) * vectors[i] + Math.cos(1) * vectors[i + 1]);
    }
    return turned;
  }

  private static float[] moved(float[] vectors, float scale, float offset) {
    float[] moved = new float[vectors.length];
    for (int i = 0; i < vectors.length; i++) {
      moved[i] = scale * vectors[i] + offset;
    }
    return moved;
  }
}
