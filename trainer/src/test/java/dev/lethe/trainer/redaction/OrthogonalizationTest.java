package dev.lethe.trainer.redaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import java.util.Map;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.junit.jupiter.api.Test;

class OrthogonalizationTest {

  @Test
  void singularValuesBecomeAboutOneAndDirectionsStay() {
    checked(4, 27, 4, 3, 3, 3);
    checked(6, 5, 6, 5);
    checked(12, 3, 12, 3);
  }

  /** By a decomposition that has nothing to do with the iteration. */
  private static void checked(int rows, int columns, long... shape) {
    SplittableRandom random = new SplittableRandom(rows);
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * 1e-3);
    }
    DMatrixRMaj nearest = product(svd(matrix(values, rows, columns)));
    DMatrixRMaj found = matrix(run(values, shape), rows, columns);
    for (double s : svd(found).getSingularValues()) {
      assertTrue(s > 0.6 && s < 1.3, "singular value " + s);
    }
    double cosine = CommonOps_DDRM.elementSum(times(found, nearest))
        / Math.sqrt(CommonOps_DDRM.elementSum(times(found, found))
            * CommonOps_DDRM.elementSum(times(nearest, nearest)));
    assertTrue(cosine > 0.97, "cosine " + cosine);
  }

  @Test
  void whatIsNoMatrixStaysAsItIs() {
    Graph g = new Graph("g");
    for (long[] shape : new long[][] {{7}, {1, 7}, {7, 1}, {1, 8, 1, 1}, {5, 4, 4}}) {
      Value gradient = g.input("gradient" + shape.length + shape[0], shape);
      assertSame(gradient, Orthogonalization.of(gradient));
    }
  }

  @Test
  void zerosStayZeros() {
    for (float value : run(new float[12], 3, 4)) {
      assertEquals(0, value);
    }
  }

  private static float[] run(float[] values, long... shape) {
    Graph g = new Graph("orthogonalization");
    g.output("direction", Orthogonalization.of(g.input("gradient", shape)));
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), TestDevice.compute())) {
      return session.run(Map.of("gradient", Tensor.of(values, shape))).get("direction").data();
    }
  }

  private static DMatrixRMaj matrix(float[] values, int rows, int columns) {
    DMatrixRMaj matrix = new DMatrixRMaj(rows, columns);
    for (int i = 0; i < values.length; i++) {
      matrix.data[i] = values[i];
    }
    return matrix;
  }

  private static SingularValueDecomposition_F64<DMatrixRMaj> svd(DMatrixRMaj matrix) {
    SingularValueDecomposition_F64<DMatrixRMaj> svd =
        DecompositionFactory_DDRM.svd(matrix.numRows, matrix.numCols, true, true, true);
    assertTrue(svd.decompose(matrix.copy()));
    return svd;
  }

  private static DMatrixRMaj product(SingularValueDecomposition_F64<DMatrixRMaj> svd) {
    return CommonOps_DDRM.mult(svd.getU(null, false), svd.getV(null, true), null);
  }

  private static DMatrixRMaj times(DMatrixRMaj a, DMatrixRMaj b) {
    return CommonOps_DDRM.elementMult(a, b, null);
  }
}
