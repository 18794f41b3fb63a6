package dev.lethe.trainer.evaluation;

import static dev.lethe.models.graph.Ops.gemm;

import dev.lethe.models.graph.Arithmetic;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.List;
import java.util.Map;

/** The most arithmetic that ONNX Runtime does here: the product of two large matrices. */
final class ArithmeticLimit {

  private static final int SIZE = 1024;
  private static final int ROUNDS = 5;

  private ArithmeticLimit() {}

  /** Multiply-add pairs a second, the best of some rounds. */
  static double measure(Compute compute) {
    Graph g = new Graph("limit");
    Value product = gemm(g.input("a", SIZE, SIZE), g.input("b", SIZE, SIZE), false, false, 1);
    g.output("product", product);
    Tensor matrix = Tensor.zeros(SIZE, SIZE);
    double least = Double.POSITIVE_INFINITY;
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), compute)) {
      for (int i = 0; i < ROUNDS; i++) {
        long started = System.nanoTime();
        session.run(Map.of("a", matrix, "b", matrix));
        least = Math.min(least, (System.nanoTime() - started) / 1e9);
      }
    }
    return Arithmetic.multiplyAdds(List.of(product)) / least;
  }
}
