package dev.lethe.trainer.autodiff;

import static dev.lethe.models.graph.Ops.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every gradient rule, and the gradient of its gradient, against central finite differences. */
class GradientsTest {

  private static final double STEP = 1e-2;

  /** An expression of inputs of given shapes, whose elements are drawn from [low, high]. */
  private record Case(String name, double low, double high, Function<List<Value>, Value> expression,
      long[]... shapes) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case of(String name, Function<List<Value>, Value> expression, long[]... shapes) {
    return new Case(name, -1, 1, expression, shapes);
  }

  private static Case positive(String name, Function<List<Value>, Value> expression, long[]... shapes) {
    return new Case(name, 0.5, 2, expression, shapes);
  }

  private static long[] shape(long... dims) {
    return dims;
  }

  static Stream<Arguments> cases() {
    Window strided = new Window(2, 1, 1, 1);
    Window grouped = new Window(1, 2, 1, 2);
    return Stream.of(
        of("add", v -> add(v.get(0), v.get(1)), shape(2, 3), shape(3)),
        of("sub", v -> sub(v.get(0), v.get(1)), shape(2, 3), shape(2, 1)),
        of("mul", v -> mul(v.get(0), v.get(1)), shape(2, 3, 2), shape(3, 1)),
        positive("div", v -> div(v.get(0), v.get(1)), shape(2, 3), shape(2, 3)),
        of("sum", v -> addAll(List.of(v.get(0), v.get(1), v.get(0))), shape(2, 3), shape(2, 3)),
        of("where", v -> where(greater(v.get(2), v.get(2).graph().constant(0)), v.get(0), v.get(1)),
            shape(2, 3), shape(1), shape(2, 3)),
        of("neg", v -> neg(v.get(0)), shape(5)),
        positive("abs", v -> abs(neg(v.get(0))), shape(5)),
        of("exp", v -> exp(v.get(0)), shape(5)),
        positive("log", v -> log(v.get(0)), shape(5)),
        positive("sqrt", v -> sqrt(v.get(0)), shape(5)),
        positive("reciprocal", v -> reciprocal(v.get(0)), shape(5)),
        of("sigmoid", v -> sigmoid(v.get(0)), shape(5)),
        of("softplus", v -> softplus(v.get(0)), shape(5)),
        of("tanh", v -> tanh(v.get(0)), shape(5)),
        positive("leakyRelu above 0", v -> leakyRelu(v.get(0), 0.2), shape(5)),
        positive("leakyRelu below 0", v -> leakyRelu(neg(v.get(0)), 0.2), shape(5)),
        // Within, beyond on both sides.
        positive("clip", v -> clip(mul(v.get(0), v.get(0).graph().constant(Tensor.of(new float[] {0.1f, 5, -5}, 3))),
            1),
            shape(3)),
        of("groupMean", v -> groupMean(v.get(0), 2), shape(6, 2)),
        of("leakyRelu on both sides", v -> leakyRelu(offset(v.get(0)), 0.2), shape(6)),
        positive("clip within its limits", v -> clip(v.get(0), 0.2, 2.5), shape(5)),
        positive("clip above", v -> add(clip(v.get(0), 0.1, 0.3), v.get(0)), shape(5)),
        positive("clip below", v -> add(clip(v.get(0), 2.5, 3), v.get(0)), shape(5)),
        of("clip of some", v -> mul(clip(offset(v.get(0)), -5, 0.5), v.get(0)), shape(6)),
        of("reshape", v -> reshape(v.get(0), 3, 2), shape(2, 3)),
        of("transpose", v -> transpose(v.get(0), 2, 0, 1), shape(2, 3, 4)),
        of("concat", v -> concat(1, v), shape(2, 3), shape(2, 1)),
        of("slice", v -> slice(v.get(0), 1, 1, 3), shape(2, 4)),
        of("pad", v -> pad(v.get(0), shape(0, 1), shape(2, 0)), shape(2, 3)),
        of("expand", v -> expand(v.get(0), 2, 3), shape(1, 3)),
        of("reduceSum", v -> reduceSum(v.get(0), 0, 2), shape(2, 3, 2)),
        of("reduceMean", v -> reduceMean(v.get(0), 1), shape(2, 3, 2)),
        of("logSoftmax", v -> logSoftmax(v.get(0)), shape(2, 4)),
        of("gemm", v -> gemm(v.get(0), v.get(1), false, false, 0.5), shape(2, 3), shape(3, 4)),
        of("gemm, a transposed", v -> gemm(v.get(0), v.get(1), true, false, 2), shape(3, 2), shape(3, 4)),
        of("gemm, b transposed", v -> gemm(v.get(0), v.get(1), false, true, 1), shape(2, 3), shape(4, 3)),
        of("gemm, both transposed", v -> gemm(v.get(0), v.get(1), true, true, 1), shape(3, 2), shape(4, 3)),
        of("conv", v -> conv(v.get(0), v.get(1), Window.same(3)), shape(2, 2, 4, 4), shape(3, 2, 3, 3)),
        of("conv, strided", v -> conv(v.get(0), v.get(1), strided), shape(2, 2, 6, 6), shape(3, 2, 3, 3)),
        of("conv, grouped", v -> conv(v.get(0), v.get(1), grouped), shape(2, 2, 4, 4), shape(2, 1, 4, 4)),
        of("convTranspose", v -> convTranspose(v.get(0), v.get(1), strided, 6, 6),
            shape(2, 3, 3, 3), shape(3, 2, 3, 3)),
        of("convTranspose, odd", v -> convTranspose(v.get(0), v.get(1), new Window(2, 0, 0, 1), 7, 7),
            shape(1, 2, 3, 3), shape(2, 2, 3, 3)),
        of("convWeight", v -> convWeight(v.get(0), v.get(1), v.get(2), strided),
            shape(2, 2, 6, 6), shape(2, 3, 3, 3), shape(3, 2, 3, 3))
    ).map(Arguments::of);
  }

  /** Elements in turn 2 lower and 2 higher: some below 0 and some above, and none near a kink. */
  private static Value offset(Value x) {
    return add(x, x.graph().constant(Tensor.of(new float[] {-2, 2, -2, 2, -2, 2}, 6)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientAgreesWithFiniteDifferences(Case c) {
    Problem problem = new Problem(c, false);
    problem.check(2e-3);
  }

  /** The same for h(x) = Σ (∂f/∂x · r), whose gradient needs the rules of every operator that the rules are made of. */
  @ParameterizedTest
  @MethodSource("cases")
  void gradientOfGradientAgreesWithFiniteDifferences(Case c) {
    Problem problem = new Problem(c, true);
    problem.check(5e-3);
  }

  /** Σ (y · r) + Σ (y² · s): a scalar of the case's expression y that has curvature. */
  private static final class Problem {
    private final Graph graph = new Graph("problem");
    private final Map<String, Tensor> point = new LinkedHashMap<>();
    private final SplittableRandom random = new SplittableRandom(7);
    private final List<Value> inputs = new ArrayList<>();

    Problem(Case c, boolean second) {
      for (int i = 0; i < c.shapes().length; i++) {
        inputs.add(graph.input("x" + i, c.shapes()[i]));
        point.put("x" + i, uniform(c.low(), c.high(), c.shapes()[i]));
      }
      Value y = c.expression().apply(inputs);
      Value loss = add(sum(mul(y, graph.constant(uniform(-1, 1, y.shape())))),
          sum(mul(square(y), graph.constant(uniform(-1, 1, y.shape())))));
      if (second) {
        List<Value> parts = new ArrayList<>();
        for (Value gradient : Gradients.of(loss, inputs)) {
          parts.add(sum(mul(gradient, graph.constant(uniform(-1, 1, gradient.shape())))));
        }
        loss = addAll(parts);
      }
      graph.output("loss", loss);
      List<Value> gradients = Gradients.of(loss, inputs);
      for (int i = 0; i < inputs.size(); i++) {
        graph.output("g" + i, gradients.get(i));
      }
    }

    void check(double tolerance) {
      try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(graph, Map.of()),
          TestDevice.compute())) {
        Map<String, Tensor> analytic = session.run(point);
        for (int i = 0; i < inputs.size(); i++) {
          float[] actual = analytic.get("g" + i).data();
          double[] expected = numeric(session, "x" + i);
          double error = 0;
          double norm = 0;
          for (int k = 0; k < actual.length; k++) {
            error += Math.pow(actual[k] - expected[k], 2);
            norm += Math.pow(expected[k], 2);
          }
          double relative = Math.sqrt(error) / Math.max(Math.sqrt(norm), 0.1);
          assertTrue(relative < tolerance, "input " + i + ": relative error " + relative);
        }
      }
    }

    private double[] numeric(InferenceSession session, String input) {
      Tensor at = point.get(input);
      double[] gradient = new double[at.data().length];
      for (int k = 0; k < gradient.length; k++) {
        // Fourth order, so that float32 losses allow a step large enough for their rounding.
        gradient[k] = (8 * (loss(session, input, k, STEP) - loss(session, input, k, -STEP))
            - (loss(session, input, k, 2 * STEP) - loss(session, input, k, -2 * STEP))) / (12 * STEP);
      }
      return gradient;
    }

    private double loss(InferenceSession session, String input, int element, double step) {
      float[] moved = point.get(input).data().clone();
      moved[element] += (float) step;
      Map<String, Tensor> feeds = new HashMap<>(point);
      feeds.put(input, new Tensor(point.get(input).shape(), moved));
      return session.run(feeds).get("loss").data()[0];
    }

    private Tensor uniform(double low, double high, long... shape) {
      Tensor tensor = Tensor.zeros(shape);
      for (int i = 0; i < tensor.data().length; i++) {
        tensor.data()[i] = (float) random.nextDouble(low, high);
      }
      return tensor;
    }
  }

  @Test
  void noGradientPassesDetach() {
    Graph g = new Graph("detach");
    Value x = g.input("x", 3);
    List<Value> gradients = Gradients.of(sum(mul(x, detach(x))), List.of(x));
    g.output("gradient", gradients.get(0));
    float[] at = {1, 2, 3};
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), TestDevice.compute())) {
      float[] actual = session.run(Map.of("x", Tensor.of(at, 3))).get("gradient").data();
      for (int i = 0; i < 3; i++) {
        assertEquals(at[i], actual[i], 1e-6f);
      }
    }
  }

  @Test
  void independentValuesHaveZeroGradients() {
    Graph g = new Graph("independent");
    Value x = g.input("x", 2);
    Value other = g.input("other", 3);
    Value gradient = Gradients.of(sum(x), List.of(other)).get(0);
    assertTrue(gradient.hasShape(3));
    g.output("gradient", gradient);
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), TestDevice.compute())) {
      Map<String, Tensor> feeds = Map.of("x", Tensor.zeros(2), "other", Tensor.zeros(3));
      for (float value : session.run(feeds).get("gradient").data()) {
        assertEquals(0f, value);
      }
    }
  }

  @Test
  void branchesPassNoGradientAndSaySo() {
    Graph g = new Graph("branch");
    Value x = g.input("x", 2);
    Value flag = g.input("flag", DataType.BOOL, 1);
    Value y = g.branch(flag, () -> List.of(mul(x, 2)), () -> List.of(mul(x, 3))).get(0);
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
        () -> Gradients.of(sum(y), List.of(x)));
    assertEquals(true, e.getMessage().contains("operator If has no gradient rule"), e.getMessage());
  }

  @Test
  void refusesGradientsOfWhatIsNoScalar() {
    Graph g = new Graph("vector");
    Value x = g.input("x", 2);
    assertThrows(IllegalArgumentException.class, () -> Gradients.of(x, List.of(x)));
  }
}
