package dev.lethe.trainer.metrics;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991) of generated images, by features. A set of
 * vectors Φ takes up the balls around each of them that reach to its k-th nearest other one:
 *
 * <pre>f(φ, Φ) = 1 if ‖φ − φ'‖ ≤ ‖φ' − NN_k(φ', Φ)‖ for at least one φ' in Φ, else 0
 * precision = mean of f(φ, real) over generated φ
 * recall = mean of f(φ, generated) over real φ</pre>
 *
 * <p>A Fréchet distance is one number for both: fewer kinds of images show in recall, worse ones in precision. Both
 * depend on how many vectors there are, so that only figures of equally many compare.
 *
 * @param precision share of the generated images that look like real ones, 0 to 1
 * @param recall share of the real images that the generator comes near to, 0 to 1
 */
public record PrecisionRecall(double precision, double recall) {

  /** k, as in the paper. */
  public static final int NEIGHBOURS = 3;

  /** Vectors that are held against all others at a time. */
  private static final int BLOCK = 250;

  /** Vectors, and how far the ball around each reaches. */
  public static final class Vectors {

    private final int features;
    private final DMatrixRMaj vectors;
    /** ‖φ‖². */
    private final double[] norms;
    /** ‖φ − NN_k(φ)‖². */
    private final double[] reach;

    /**
     * Finds each vector's neighbours.
     *
     * @param vectors [N, F], of more vectors than {@link #NEIGHBOURS}
     * @throws IllegalArgumentException if there are fewer, or a value is not finite
     */
    public Vectors(float[] vectors, int features) {
      int n = vectors.length / features;
      if (n * features != vectors.length || n <= NEIGHBOURS) {
        throw new IllegalArgumentException(vectors.length + " values are no " + (NEIGHBOURS + 1) + " vectors of "
            + features + " features or more");
      }
      this.features = features;
      this.vectors = new DMatrixRMaj(n, features);
      this.norms = new double[n];
      for (int i = 0; i < vectors.length; i++) {
        if (!Float.isFinite(vectors[i])) {
          throw new IllegalArgumentException("feature " + i % features + " of vector " + i / features + " is "
              + vectors[i]);
        }
        this.vectors.data[i] = vectors[i];
        norms[i / features] += (double) vectors[i] * vectors[i];
      }
      this.reach = new double[n];
      double[] nearest = new double[NEIGHBOURS];
      forEachRow(this, this, (i, distances) -> {
        Arrays.fill(nearest, Double.POSITIVE_INFINITY);
        for (int j = 0; j < n; j++) {
          if (j != i && distances[j] < nearest[NEIGHBOURS - 1]) {
            insert(nearest, distances[j]);
          }
        }
        reach[i] = nearest[NEIGHBOURS - 1];
      });
    }

    /** Number of vectors. */
    public int size() {
      return norms.length;
    }

    /** In ascending order, in place of the last. */
    private static void insert(double[] sorted, double value) {
      int at = sorted.length - 1;
      for (; at > 0 && sorted[at - 1] > value; at--) {
        sorted[at] = sorted[at - 1];
      }
      sorted[at] = value;
    }
  }

  /** Of generated images against real ones, by features of the same network. */
  public static PrecisionRecall of(Vectors real, Vectors generated) {
    if (real.features != generated.features) {
      throw new IllegalArgumentException("vectors of " + real.features + " and of " + generated.features
          + " features do not compare");
    }
    boolean[] like = new boolean[generated.size()];
    boolean[] reached = new boolean[real.size()];
    forEachRow(real, generated, (i, distances) -> {
      for (int j = 0; j < distances.length; j++) {
        like[j] |= distances[j] <= real.reach[i];
        reached[i] |= distances[j] <= generated.reach[j];
      }
    });
    return new PrecisionRecall(share(like), share(reached));
  }

  /** Takes the squared distances of vector {@code i} of one set from all of another; they are good for this call. */
  private interface Row {
    void take(int i, double[] distances);
  }

  /** ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b, whose products are a matrix's. */
  private static void forEachRow(Vectors a, Vectors b, Row row) {
    DMatrixRMaj columns = CommonOps_DDRM.transpose(b.vectors, null);
    double[] distances = new double[b.size()];
    for (int from = 0; from < a.size(); from += BLOCK) {
      int to = Math.min(from + BLOCK, a.size());
      DMatrixRMaj products = CommonOps_DDRM.mult(
          CommonOps_DDRM.extract(a.vectors, from, to, 0, a.features), columns, null);
      for (int i = from; i < to; i++) {
        for (int j = 0; j < distances.length; j++) {
          distances[j] = Math.max(0, a.norms[i] + b.norms[j] - 2 * products.unsafe_get(i - from, j));
        }
        row.take(i, distances);
      }
    }
  }

  private static double share(boolean[] holds) {
    int count = 0;
    for (boolean one : holds) {
      count += one ? 1 : 0;
    }
    return (double) count / holds.length;
  }
}
