package dev.lethe.trainer.redaction;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.div;
import static dev.lethe.models.graph.Ops.matmul;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.sqrt;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sum;
import static dev.lethe.models.graph.Ops.transpose;

import dev.lethe.models.graph.Value;
import java.util.Arrays;

/**
 * The orthogonal matrix nearest to a gradient, U Vᵀ of its singular value decomposition U S Vᵀ (Muon: Jordan et al.
 * 2024; spectral descent: Carlson et al. 2015). A step along it moves all directions of a layer alike, where a plain
 * gradient hardly moves any but the few that most images share: a redaction takes half the steps and moves no more that
 * stays.
 */
final class Orthogonalization {

  /** Steps of the Newton-Schulz iteration, and the coefficients of its polynomial a X + b X Xᵀ X + c (X Xᵀ)² X. */
  private static final int STEPS = 5;
  private static final double A = 3.4445;
  private static final double B = -4.7750;
  private static final double C = 2.0315;
  /** Keeps a gradient of zeros finite. */
  private static final double EPSILON = 1e-12;

  private Orthogonalization() {}

  /**
   * Of weights that are matrices, [O, I] or [O, I, kH, kW] with more than one row and column; others stay as they are.
   *
   * @return in the gradient's shape, singular values of about 1
   */
  static Value of(Value gradient) {
    long[] shape = gradient.shape();
    long columns = Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
    if (shape.length != 2 && shape.length != 4 || shape[0] == 1 || columns == 1) {
      return gradient;
    }
    Value matrix = reshape(gradient, shape[0], columns);
    boolean tall = shape[0] > columns;
    // The iteration's products are smallest with fewer rows than columns.
    Value x = tall ? transpose(matrix, 1, 0) : matrix;
    x = div(x, add(sqrt(sum(square(x))), EPSILON));
    for (int step = 0; step < STEPS; step++) {
      Value gram = matmul(x, transpose(x, 1, 0));
      x = add(mul(x, A), matmul(add(mul(gram, B), mul(matmul(gram, gram), C)), x));
    }
    return reshape(tall ? transpose(x, 1, 0) : x, shape);
  }
}
