package dev.lethe.trainer.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Tensor;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LatentRegressionTest {

  /** y = (2a − b + 3, a/2 + b − 1), of latents that are wide enough for the ridge to be little. */
  @Test
  void recoversALinearMapWithItsOffset() {
    Tensor from = normal(2000, 3, 1);
    LatentRegression regression = LatentRegression.of(from, mapped(from));
    Tensor others = normal(20, 3, 2);
    assertArrayEquals(mapped(others).data(), regression.predict(others).data(), 0.05f);
    assertArrayEquals(new float[] {3, -1}, regression.predict(Tensor.zeros(1, 2)).data(), 0.01f);
  }

  /** Where a direction does not occur the ridge decides: it leads nowhere, and there is a solution. */
  @Test
  void directionsThatDoNotOccurLeadNowhere() {
    Tensor from = normal(200, 3, 1);
    for (int i = 0; i < 200; i++) {
      from.data()[2 * i + 1] = 0;
    }
    LatentRegression regression = LatentRegression.of(from, mapped(from));
    assertArrayEquals(regression.predict(Tensor.of(new float[] {1, 0}, 1, 2)).data(),
        regression.predict(Tensor.of(new float[] {1, 9}, 1, 2)).data(), 1e-4f);
  }

  @Test
  void whatIsDrawnAlikeHasTheSameMeanAndCovariance() {
    Tensor latents = Tensor.of(new float[] {1, 2, 3, 3, 2, 7, -2, 0, 6, 4}, 5, 2);
    Tensor drawn = LatentRegression.alike(latents, 20_000, new SplittableRandom(3));
    assertArrayEquals(new long[] {20_000, 2}, drawn.shape());
    double[] mean = mean(latents);
    double[] drawnMean = mean(drawn);
    double[] covariance = covariance(latents);
    double[] drawnCovariance = covariance(drawn);
    for (int i = 0; i < 2; i++) {
      assertEquals(mean[i], drawnMean[i], 0.1);
    }
    for (int i = 0; i < 3; i++) {
      assertEquals(covariance[i], drawnCovariance[i], 0.05 * Math.max(covariance[0], covariance[2]));
    }
    assertArrayEquals(drawn.data(), LatentRegression.alike(latents, 20_000, new SplittableRandom(3)).data());
  }

  private static Tensor mapped(Tensor from) {
    Tensor to = Tensor.zeros(from.shape());
    for (int i = 0; i < from.data().length; i += 2) {
      float a = from.data()[i];
      float b = from.data()[i + 1];
      to.data()[i] = 2 * a - b + 3;
      to.data()[i + 1] = a / 2 + b - 1;
    }
    return to;
  }

  private static Tensor normal(int n, double scale, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor drawn = Tensor.zeros(n, 2);
    for (int i = 0; i < drawn.data().length; i++) {
      drawn.data()[i] = (float) (scale * random.nextGaussian());
    }
    return drawn;
  }

  private static double[] mean(Tensor rows) {
    double[] mean = new double[2];
    for (int i = 0; i < rows.data().length; i++) {
      mean[i % 2] += rows.data()[i] * 2.0 / rows.data().length;
    }
    return mean;
  }

  /** Unbiased: xx, xy, yy. */
  private static double[] covariance(Tensor rows) {
    double[] mean = mean(rows);
    double[] sums = new double[3];
    for (int i = 0; i < rows.data().length; i += 2) {
      double x = rows.data()[i] - mean[0];
      double y = rows.data()[i + 1] - mean[1];
      sums[0] += x * x;
      sums[1] += x * y;
      sums[2] += y * y;
    }
    for (int i = 0; i < 3; i++) {
      sums[i] /= rows.shape()[0] - 1;
    }
    return sums;
  }
}
