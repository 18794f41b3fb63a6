package dev.lethe.trainer.substitution;

import dev.lethe.models.graph.Tensor;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * The orthogonal projection of the latent onto the affine hull of the k nearest latents that stay, of its class or of
 * the class that stands in for it.
 *
 * @param neighbours k, at least 1
 */
public record ProjectionSubstitute(int neighbours) implements Substitute {

  public static final int DEFAULT_NEIGHBOURS = 8;

  public ProjectionSubstitute {
    if (neighbours < 1) {
      throw new IllegalArgumentException("a projection needs at least 1 neighbour, not " + neighbours);
    }
  }

  @Override
  public float[] of(float[] w, int label, RetainedLatents kept) {
    int standIn = kept.standIns().of(label);
    Tensor latents = kept.latents();
    List<float[]> nearest = IntStream.range(0, kept.labels().length)
        .filter(i -> kept.labels()[i] == standIn)
        .mapToObj(i -> latents.rows(i, i + 1).data())
        .sorted(Comparator.comparingDouble(other -> RetainedLatents.squaredDistance(w, other)))
        .limit(neighbours)
        .toList();
    if (nearest.isEmpty()) {
      throw new IllegalArgumentException("no latent of class " + standIn + " stays to project on");
    }
    return project(w, nearest);
  }

  /** p₀ + D D⁺ (w − p₀), where the columns of D lead from the first point to the others. */
  private static float[] project(float[] w, List<float[]> points) {
    float[] first = points.get(0);
    if (points.size() == 1) {
      return first.clone();
    }
    int columns = points.size() - 1;
    DMatrixRMaj directions = new DMatrixRMaj(w.length, columns);
    DMatrixRMaj offset = new DMatrixRMaj(w.length, 1);
    for (int i = 0; i < w.length; i++) {
      offset.set(i, 0, w[i] - first[i]);
      for (int p = 0; p < columns; p++) {
        directions.set(i, p, points.get(p + 1)[i] - first[i]);
      }
    }
    DMatrixRMaj inverse = new DMatrixRMaj(columns, w.length);
    CommonOps_DDRM.pinv(directions, inverse);
    DMatrixRMaj coordinates = new DMatrixRMaj(columns, 1);
    CommonOps_DDRM.mult(inverse, offset, coordinates);
    DMatrixRMaj projected = new DMatrixRMaj(w.length, 1);
    CommonOps_DDRM.mult(directions, coordinates, projected);
    float[] result = new float[w.length];
    for (int i = 0; i < w.length; i++) {
      result[i] = (float) (first[i] + projected.get(i, 0));
    }
    return result;
  }
}
