package dev.lethe.trainer.sampling;

import dev.lethe.models.graph.Tensor;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The linear map, with an offset, from latents to latents that fits pairs of them best (ridge regression).
 *
 * @param coefficients [w_dim + 1, w_dim], the offset in the last row
 */
public record LatentRegression(DMatrixRMaj coefficients) {

  /** Keeps what the pairs hardly determine small. */
  private static final double RIDGE = 1e-2;

  /**
   * @param from [N, w_dim]
   * @param to [N, w_dim]
   */
  public static LatentRegression of(Tensor from, Tensor to) {
    DMatrixRMaj x = withOnes(from);
    DMatrixRMaj y = matrix(to);
    DMatrixRMaj normal = new DMatrixRMaj(x.numCols, x.numCols);
    CommonOps_DDRM.multInner(x, normal);
    for (int i = 0; i < normal.numRows - 1; i++) {
      normal.add(i, i, RIDGE * x.numRows);
    }
    DMatrixRMaj right = CommonOps_DDRM.multTransA(x, y, null);
    DMatrixRMaj coefficients = new DMatrixRMaj(x.numCols, y.numCols);
    if (!CommonOps_DDRM.solve(normal, right, coefficients)) {
      throw new ArithmeticException("the latents' regression has no solution");
    }
    return new LatentRegression(coefficients);
  }

  /** What the map makes of latents, [N, w_dim]. */
  public Tensor predict(Tensor from) {
    DMatrixRMaj predicted = CommonOps_DDRM.mult(withOnes(from), coefficients, null);
    Tensor to = Tensor.zeros(predicted.numRows, predicted.numCols);
    for (int i = 0; i < to.data().length; i++) {
      to.data()[i] = (float) predicted.data[i];
    }
    return to;
  }

  /** Draws from the normal distribution that has the mean and the covariance of some latents, [n, w_dim]. */
  public static Tensor alike(Tensor latents, int n, SplittableRandom random) {
    int count = (int) latents.shape()[0];
    int width = latents.data().length / count;
    double[] mean = new double[width];
    for (int i = 0; i < latents.data().length; i++) {
      mean[i % width] += latents.data()[i] / (double) count;
    }
    // A sum of the deviations with normal coefficients has their covariance.
    double scale = 1 / Math.sqrt(count - 1.0);
    Tensor drawn = Tensor.zeros(n, width);
    for (int i = 0; i < n; i++) {
      double[] w = mean.clone();
      for (int k = 0; k < count; k++) {
        double coefficient = random.nextGaussian() * scale;
        for (int d = 0; d < width; d++) {
          w[d] += coefficient * (latents.data()[k * width + d] - mean[d]);
        }
      }
      for (int d = 0; d < width; d++) {
        drawn.data()[i * width + d] = (float) w[d];
      }
    }
    return drawn;
  }

  private static DMatrixRMaj withOnes(Tensor rows) {
    int n = (int) rows.shape()[0];
    int width = rows.data().length / n;
    DMatrixRMaj matrix = new DMatrixRMaj(n, width + 1);
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < width; k++) {
        matrix.set(i, k, rows.data()[i * width + k]);
      }
      matrix.set(i, width, 1);
    }
    return matrix;
  }

  private static DMatrixRMaj matrix(Tensor rows) {
    int n = (int) rows.shape()[0];
    DMatrixRMaj matrix = new DMatrixRMaj(n, rows.data().length / n);
    for (int i = 0; i < rows.data().length; i++) {
      matrix.data[i] = rows.data()[i];
    }
    return matrix;
  }
}
