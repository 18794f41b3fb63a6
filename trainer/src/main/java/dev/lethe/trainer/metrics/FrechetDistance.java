package dev.lethe.trainer.metrics;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * The squared Fréchet distance of two normal distributions (Dowson and Landau 1982), which on features of images is FID
 * (Heusel et al. 2017):
 *
 * <pre>|m1 - m2|² + tr(C1) + tr(C2) - 2 tr((C1 C2)^½)</pre>
 *
 * <p>C1 C2 has the eigenvalues of C1^½ C2 C1^½, which is symmetric and positive semidefinite, so the trace is the sum
 * of their roots; singular covariances need no special care. 256 features take about a tenth of a second.
 */
public final class FrechetDistance {

  private FrechetDistance() {}

  /** Between two sets of vectors, [N1, F] and [N2, F], of at least two each. */
  public static double between(float[] vectors1, float[] vectors2, int features) {
    return between(FeatureStatistics.of(vectors1, features), FeatureStatistics.of(vectors2, features));
  }

  /** Between the vectors that two statistics were made of, at least two each. */
  public static double between(FeatureStatistics statistics1, FeatureStatistics statistics2) {
    return between(statistics1.mean(), statistics1.covariance(), statistics2.mean(), statistics2.covariance());
  }

  /**
   * Between two normal distributions.
   *
   * @param mean1 [F]
   * @param covariance1 [F][F], symmetric and positive semidefinite
   * @param mean2 [F]
   * @param covariance2 [F][F], symmetric and positive semidefinite
   * @return at least 0
   */
  public static double between(double[] mean1, double[][] covariance1, double[] mean2, double[][] covariance2) {
    int features = mean1.length;
    if (mean2.length != features || covariance1.length != features || covariance2.length != features) {
      throw new IllegalArgumentException(String.format("sizes differ: means of %d and %d, covariances of %d and %d",
          features, mean2.length, covariance1.length, covariance2.length));
    }
    double distance = 0;
    for (int i = 0; i < features; i++) {
      double difference = mean1[i] - mean2[i];
      distance += difference * difference + covariance1[i][i] + covariance2[i][i];
    }
    DMatrixRMaj root = squareRoot(new DMatrixRMaj(covariance1));
    EigenDecomposition_F64<DMatrixRMaj> eigen =
        decompose(product(product(root, new DMatrixRMaj(covariance2)), root), false);
    for (int i = 0; i < features; i++) {
      distance -= 2 * rootOf(eigen.getEigenvalue(i).real);
    }
    return Math.max(0, distance);
  }

  /** The sum of √λ v vᵀ. */
  private static DMatrixRMaj squareRoot(DMatrixRMaj matrix) {
    EigenDecomposition_F64<DMatrixRMaj> eigen = decompose(matrix, true);
    int size = matrix.numRows;
    // Row i is λ^¼ v of pair i.
    DMatrixRMaj scaled = new DMatrixRMaj(size, size);
    for (int i = 0; i < size; i++) {
      double factor = Math.sqrt(rootOf(eigen.getEigenvalue(i).real));
      DMatrixRMaj vector = eigen.getEigenVector(i);
      for (int j = 0; j < size; j++) {
        scaled.set(i, j, factor * vector.get(j));
      }
    }
    DMatrixRMaj root = new DMatrixRMaj(size, size);
    CommonOps_DDRM.multInner(scaled, root);
    return root;
  }

  private static DMatrixRMaj product(DMatrixRMaj left, DMatrixRMaj right) {
    return CommonOps_DDRM.mult(left, right, null);
  }

  /** Of the symmetric part: what rounding left beside it would count otherwise. */
  private static EigenDecomposition_F64<DMatrixRMaj> decompose(DMatrixRMaj matrix, boolean vectors) {
    int size = matrix.numRows;
    DMatrixRMaj symmetric = CommonOps_DDRM.add(0.5, matrix, 0.5, CommonOps_DDRM.transpose(matrix, null), null);
    EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(size, vectors, true);
    if (!eigen.decompose(symmetric)) {
      throw new ArithmeticException("the eigenvalues of a covariance of " + size + " features did not converge");
    }
    return eigen;
  }

  /** Rounding makes the zero eigenvalues of a singular matrix slightly negative. */
  private static double rootOf(double eigenvalue) {
    return Math.sqrt(Math.max(0, eigenvalue));
  }
}
