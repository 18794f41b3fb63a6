package dev.lethe.trainer.autodiff;

import static dev.lethe.models.graph.Ops.*;

import dev.lethe.models.graph.Node;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One rule per operator: from the gradient of a node's output to the gradients of its inputs, null where there is none.
 * Rules are made of the operators that have rules, so a gradient can be differentiated again. Convolution, its adjoint
 * in the image and its adjoint in the weight are the three partial derivatives of one trilinear form, hence each one's
 * gradients are the other two.
 */
final class GradientRules {

  interface Rule {
    /** Gradients by input, given the node and the gradient g of its output. */
    List<Value> apply(Node n, Value g);
  }

  private static final Map<String, Rule> RULES = Map.ofEntries(
      // elementwise
      unary("Neg", (n, g) -> neg(g)),
      unary("Abs", (n, g) -> mul(g, sign(n.input(0)))),
      unary("Exp", (n, g) -> mul(g, n.output())),
      unary("Log", (n, g) -> div(g, n.input(0))),
      unary("Sqrt", (n, g) -> mul(div(g, n.output()), 0.5)),
      unary("Reciprocal", (n, g) -> neg(mul(g, square(n.output())))),
      unary("Sigmoid", (n, g) -> mul(g, sub(n.output(), square(n.output())))),
      unary("Softplus", (n, g) -> mul(g, sigmoid(n.input(0)))),
      unary("Tanh", (n, g) -> sub(g, mul(g, square(n.output())))),
      unary("LeakyRelu", (n, g) -> leakyReluGrad(g, n.output(), n.real("alpha"))),
      first(Node.LEAKY_RELU_GRAD, (n, g) -> leakyReluGrad(g, n.input(1), n.real("alpha"))),
      Map.entry("Add", (n, g) -> List.of(sumTo(g, n.input(0)), sumTo(g, n.input(1)))),
      Map.entry("Sub", (n, g) -> List.of(sumTo(g, n.input(0)), sumTo(neg(g), n.input(1)))),
      Map.entry("Mul", (n, g) -> List.of(sumTo(mul(g, n.input(1)), n.input(0)), sumTo(mul(g, n.input(0)), n.input(1)))),
      Map.entry("Div", (n, g) -> {
        Value q = div(g, n.input(1));
        return List.of(sumTo(q, n.input(0)), sumTo(neg(mul(q, n.output())), n.input(1)));
      }),
      Map.entry("Where", (n, g) -> {
        Value zero = g.graph().constant(0);
        return Arrays.asList(null, sumTo(where(n.input(0), g, zero), n.input(1)),
            sumTo(where(n.input(0), zero, g), n.input(2)));
      }),
      Map.entry(Node.ADD_ALL, (n, g) -> Collections.nCopies(n.inputs().size(), g)),
      first("Clip", (n, g) -> mul(g, sub(g.graph().constant(1), sign(abs(sub(n.output(), n.input(0))))))),
      none("Greater"), none("Sign"), none(Node.DETACH),
      // shape
      first("Reshape", (n, g) -> reshape(g, n.input(0).shape())),
      unary("Transpose", (n, g) -> transpose(g, inverse(n.longs("perm")))),
      Map.entry("Concat", GradientRules::concatRule),
      first("Slice", GradientRules::sliceRule),
      first("Pad", GradientRules::padRule),
      first("Expand", (n, g) -> sumTo(g, n.input(0))),
      // reductions
      first("ReduceSum", (n, g) -> expand(g, n.input(0).shape())),
      first("ReduceMean", (n, g) -> expand(mul(g, (double) n.output().size() / n.input(0).size()),
          n.input(0).shape())),
      first(Node.GROUP_MEAN, (n, g) -> groupMean(g, (int) n.integer("@group"))),
      unary("LogSoftmax", (n, g) -> sub(g, mul(exp(n.output()), reduceSum(g, g.rank() - 1)))),
      // linear
      Map.entry("Gemm", GradientRules::gemmRule),
      Map.entry("Conv", (n, g) -> {
        Value x = n.input(0);
        Value w = n.input(1);
        Window window = Window.of(n);
        return List.of(convTranspose(g, w, window, x.dim(2), x.dim(3)), convWeight(x, g, w, window));
      }),
      Map.entry("ConvTranspose", (n, g) -> {
        Value y = n.input(0);
        Value w = n.input(1);
        Window window = Window.of(n);
        return List.of(conv(g, w, window), convWeight(g, y, w, window));
      }),
      Map.entry(Node.CONV_WEIGHT, (n, g) -> {
        Value x = n.input(0);
        Value y = n.input(1);
        Window window = Window.of(n);
        return Arrays.asList(convTranspose(y, g, window, x.dim(2), x.dim(3)), conv(x, g, window), null);
      }));

  private GradientRules() {}

  /** @throws IllegalArgumentException if the operator has no rule, naming it */
  static void require(Node node) {
    if (!RULES.containsKey(node.op())) {
      throw new IllegalArgumentException("operator " + node.op() + " has no gradient rule (" + node + ")");
    }
  }

  static List<Value> apply(Node node, Value gradient) {
    return RULES.get(node.op()).apply(node, gradient);
  }

  private interface UnaryRule {
    Value apply(Node n, Value g);
  }

  private static Map.Entry<String, Rule> unary(String op, UnaryRule rule) {
    return Map.entry(op, (n, g) -> List.of(rule.apply(n, g)));
  }

  /** For operators whose later inputs are constants: shapes, axes. */
  private static Map.Entry<String, Rule> first(String op, UnaryRule rule) {
    return Map.entry(op, (n, g) -> {
      List<Value> gradients = new ArrayList<>(Collections.nCopies(n.inputs().size(), null));
      gradients.set(0, rule.apply(n, g));
      return gradients;
    });
  }

  private static Map.Entry<String, Rule> none(String op) {
    return Map.entry(op, (n, g) -> Collections.nCopies(n.inputs().size(), null));
  }

  /** Sums over the axes along which {@code like} was broadcast. */
  private static Value sumTo(Value g, Value like) {
    long[] shape = like.shape();
    int lead = g.rank() - shape.length;
    int[] axes = IntStream.range(0, g.rank())
        .filter(i -> i < lead || (shape[i - lead] == 1 && g.dim(i) != 1))
        .toArray();
    return axes.length == 0 ? g : reshape(reduceSum(g, axes), shape);
  }

  private static int[] inverse(long[] permutation) {
    int[] inverse = new int[permutation.length];
    for (int i = 0; i < permutation.length; i++) {
      inverse[(int) permutation[i]] = i;
    }
    return inverse;
  }

  private static List<Value> concatRule(Node n, Value g) {
    int axis = (int) n.integer("axis");
    List<Value> gradients = new ArrayList<>();
    long from = 0;
    for (Value input : n.inputs()) {
      gradients.add(slice(g, axis, from, from + input.dim(axis)));
      from += input.dim(axis);
    }
    return gradients;
  }

  private static Value sliceRule(Node n, Value g) {
    Value x = n.input(0);
    int axis = (int) n.integer("@axis");
    long[] before = new long[x.rank()];
    long[] after = new long[x.rank()];
    before[axis] = n.integer("@from");
    after[axis] = x.dim(axis) - n.integer("@to");
    return pad(g, before, after);
  }

  private static Value padRule(Node n, Value g) {
    Value inner = g;
    long[] before = n.longs("@before");
    for (int axis = 0; axis < before.length; axis++) {
      inner = slice(inner, axis, before[axis], before[axis] + n.input(0).dim(axis));
    }
    return inner;
  }

  private static List<Value> gemmRule(Node n, Value g) {
    Value a = n.input(0);
    Value b = n.input(1);
    boolean ta = n.integer("transA") != 0;
    boolean tb = n.integer("transB") != 0;
    double alpha = n.real("alpha");
    return List.of(
        ta ? gemm(b, g, tb, true, alpha) : gemm(g, b, false, !tb, alpha),
        tb ? gemm(g, a, true, ta, alpha) : gemm(a, g, !ta, false, alpha));
  }
}
