package dev.lethe.models.graph;

import static dev.lethe.models.graph.Shapes.FREE;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The operators that graphs are built of: one method each, which checks its operands, infers the shape of its result
 * and adds the node. Names and semantics are ONNX's unless a comment says otherwise.
 */
public final class Ops {

  private Ops() {}

  // ---- elementwise, with broadcasting ----

  public static Value add(Value a, Value b) {
    return binary("Add", a, b);
  }

  public static Value add(Value a, double b) {
    return add(a, constantLike(a, b));
  }

  public static Value sub(Value a, Value b) {
    return binary("Sub", a, b);
  }

  public static Value mul(Value a, Value b) {
    return binary("Mul", a, b);
  }

  public static Value mul(Value a, double b) {
    return b == 1 ? a : mul(a, constantLike(a, b));
  }

  public static Value div(Value a, Value b) {
    return binary("Div", a, b);
  }

  private static Value binary(String op, Value a, Value b) {
    requireOneType(op, a, b);
    return a.graph().node(op, a.type(), Shapes.broadcast(a.shape(), b.shape()), Map.of(), a, b);
  }

  private static void requireOneType(String op, Value a, Value b) {
    if (a.type() != b.type()) {
      throw new IllegalArgumentException(op + " takes values of one type, not " + a + " of " + a.type() + " and " + b
          + " of " + b.type());
    }
  }

  /** A scalar of a value's type. */
  private static Value constantLike(Value value, double scalar) {
    return cast(value.graph().constant(scalar), value.type());
  }

  /** The values in another type, rounded to it. */
  public static Value cast(Value x, DataType type) {
    return x.type() == type ? x
        : x.graph().node("Cast", type, x.shape(), Map.of("to", (long) type.onnx.getNumber()), x);
  }

  /** What is below -limit becomes -limit, what is above limit becomes limit. */
  public static Value clip(Value x, double limit) {
    return clip(x, -limit, limit);
  }

  /** What is below {@code low} becomes that, what is above {@code high} becomes that. */
  public static Value clip(Value x, double low, double high) {
    return x.graph().node("Clip", x.type(), x.shape(), Map.of(), x, constantLike(x, low), constantLike(x, high));
  }

  /** a > b, as bool. */
  public static Value greater(Value a, Value b) {
    return a.graph().node("Greater", DataType.BOOL, Shapes.broadcast(a.shape(), b.shape()), Map.of(), a, b);
  }

  public static Value where(Value condition, Value a, Value b) {
    long[] shape = Shapes.broadcast(condition.shape(), Shapes.broadcast(a.shape(), b.shape()));
    return condition.graph().node("Where", DataType.FLOAT, shape, Map.of(), condition, a, b);
  }

  /** Sum of values of one shape; a single one is given back as it is. */
  public static Value addAll(List<Value> values) {
    Value first = values.get(0);
    if (values.size() == 1) {
      return first;
    }
    for (Value value : values) {
      if (!value.hasShape(first.shape())) {
        throw new IllegalArgumentException("values to sum differ in shape: " + values);
      }
    }
    return first.graph().node(Node.ADD_ALL, DataType.FLOAT, first.shape(), Map.of(), values.toArray(Value[]::new));
  }

  public static Value neg(Value x) {
    return unary("Neg", x);
  }

  public static Value abs(Value x) {
    return unary("Abs", x);
  }

  public static Value sign(Value x) {
    return unary("Sign", x);
  }

  public static Value exp(Value x) {
    return unary("Exp", x);
  }

  public static Value log(Value x) {
    return unary("Log", x);
  }

  public static Value sqrt(Value x) {
    return unary("Sqrt", x);
  }

  public static Value reciprocal(Value x) {
    return unary("Reciprocal", x);
  }

  public static Value sigmoid(Value x) {
    return unary("Sigmoid", x);
  }

  public static Value softplus(Value x) {
    return unary("Softplus", x);
  }

  public static Value tanh(Value x) {
    return unary("Tanh", x);
  }

  /** 1/sqrt(x). */
  public static Value rsqrt(Value x) {
    return reciprocal(sqrt(x));
  }

  public static Value square(Value x) {
    return mul(x, x);
  }

  /** x for x > 0, alpha x otherwise. */
  public static Value leakyRelu(Value x, double alpha) {
    return x.graph().node("LeakyRelu", x.type(), x.shape(), Map.of("alpha", (float) alpha), x);
  }

  /**
   * The adjoint of {@link #leakyRelu}: g for y > 0, alpha g otherwise.
   *
   * @param y what the leaky ReLU gave, of the shape of g
   * @param alpha above 0, as there
   */
  public static Value leakyReluGrad(Value g, Value y, double alpha) {
    if (!g.hasShape(y.shape())) {
      throw new IllegalArgumentException("the gradient " + g + " of the leaky ReLU " + y + " has another shape");
    }
    return g.graph().node(Node.LEAKY_RELU_GRAD, g.type(), g.shape(), Map.of("alpha", (float) alpha), g, y);
  }

  /** The value, through which no gradient passes. */
  public static Value detach(Value x) {
    return unary(Node.DETACH, x);
  }

  private static Value unary(String op, Value x) {
    return x.graph().node(op, x.type(), x.shape(), Map.of(), x);
  }

  // ---- shape ----

  /** At most one dimension may be -1: the one to infer. A free batch can only come from there. */
  public static Value reshape(Value x, long... shape) {
    long[] resolved = shape.clone();
    int open = IntStream.range(0, shape.length).filter(i -> shape[i] == -1).findFirst().orElse(-1);
    if (Shapes.isStatic(x.shape())) {
      if (open >= 0) {
        resolved[open] = 1;
        resolved[open] = x.size() / Shapes.size(resolved);
      }
      if (Shapes.size(resolved) != x.size()) {
        throw new IllegalArgumentException("cannot reshape " + x + " to " + Arrays.toString(shape));
      }
    } else if (open < 0) {
      throw new IllegalArgumentException("cannot reshape " + x + ", of free batch, to " + Arrays.toString(shape));
    }
    if (x.hasShape(resolved)) {
      return x;
    }
    long[] written = resolved.clone();
    if (keepsBatch(x.shape(), resolved)) {
      // "As it is": of -1 ONNX Runtime does not know that it is the same number, and reuses no memory.
      written[0] = 0;
    }
    return x.graph().node("Reshape", x.type(), resolved, Map.of(), x, x.graph().indices(written));
  }

  private static boolean keepsBatch(long[] from, long[] to) {
    return from.length > 0 && to.length > 0 && from[0] == FREE && to[0] == FREE
        && Shapes.size(Arrays.copyOfRange(from, 1, from.length)) == Shapes.size(Arrays.copyOfRange(to, 1, to.length));
  }

  /** Result axis i is operand axis {@code permutation[i]}. */
  public static Value transpose(Value x, int... permutation) {
    long[] shape = Arrays.stream(permutation).mapToLong(x::dim).toArray();
    long[] perm = Arrays.stream(permutation).mapToLong(i -> i).toArray();
    return x.graph().node("Transpose", x.type(), shape, Map.of("perm", perm), x);
  }

  public static Value concat(int axis, List<Value> values) {
    if (values.size() == 1) {
      return values.get(0);
    }
    long[] shape = values.get(0).shape();
    shape[axis] = 0;
    for (Value value : values) {
      for (int i = 0; i < shape.length; i++) {
        if (i != axis && value.dim(i) != shape[i]) {
          throw new IllegalArgumentException("cannot concatenate " + values + " on axis " + axis);
        }
      }
      shape[axis] += value.dim(axis);
    }
    if (axis == 0 && values.stream().anyMatch(v -> v.dim(0) == FREE)) {
      throw new IllegalArgumentException("cannot concatenate free batches: " + values);
    }
    return values.get(0).graph().node("Concat", values.get(0).type(), shape, Map.of("axis", (long) axis),
        values.toArray(Value[]::new));
  }

  /** Elements {@code from} (inclusive) to {@code to} (exclusive) of one axis. */
  public static Value slice(Value x, int axis, long from, long to) {
    if (from < 0 || to <= from || (x.dim(axis) != FREE && to > x.dim(axis))) {
      throw new IllegalArgumentException("cannot slice " + x + " from " + from + " to " + to + " on axis " + axis);
    }
    long[] shape = x.shape();
    shape[axis] = to - from;
    if (x.hasShape(shape)) {
      return x;
    }
    Graph g = x.graph();
    return g.node("Slice", x.type(), shape, Map.of("@axis", (long) axis, "@from", from, "@to", to), x,
        g.indices(from), g.indices(to), g.indices(axis));
  }

  /** The slices of the first axis at these indices, in their order. */
  public static Value gather(Value x, long... indices) {
    long[] shape = x.shape();
    shape[0] = indices.length;
    return x.graph().node("Gather", x.type(), shape, Map.of("axis", 0L), x, x.graph().indices(indices));
  }

  /** Consecutive pieces of one axis; their sizes add up to it. */
  public static List<Value> split(Value x, int axis, long... sizes) {
    if (Arrays.stream(sizes).sum() != x.dim(axis)) {
      throw new IllegalArgumentException("cannot split " + x + " on axis " + axis + " into "
          + Arrays.toString(sizes));
    }
    List<long[]> shapes = Arrays.stream(sizes).mapToObj(size -> {
      long[] shape = x.shape();
      shape[axis] = size;
      return shape;
    }).toList();
    return x.graph().node("Split", x.type(), shapes, Map.of("axis", (long) axis), x, x.graph().indices(sizes));
  }

  /** Puts zeros around: {@code before[i]} and {@code after[i]} of them on axis i. */
  public static Value pad(Value x, long[] before, long[] after) {
    if (Arrays.stream(before).allMatch(v -> v == 0) && Arrays.stream(after).allMatch(v -> v == 0)) {
      return x;
    }
    long[] shape = x.shape();
    long[] pads = new long[2 * shape.length];
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] != FREE) {
        shape[i] += before[i] + after[i];
      } else if (before[i] + after[i] != 0) {
        throw new IllegalArgumentException("cannot pad the free batch of " + x);
      }
      pads[i] = before[i];
      pads[shape.length + i] = after[i];
    }
    Graph g = x.graph();
    return g.node("Pad", x.type(), shape, Map.of("@before", before.clone(), "@after", after.clone()), x,
        g.indices(pads), g.constant(0));
  }

  /** Broadcasts to a static shape. */
  public static Value expand(Value x, long... shape) {
    if (x.hasShape(shape)) {
      return x;
    }
    if (!Arrays.equals(Shapes.broadcast(x.shape(), shape), shape)) {
      throw new IllegalArgumentException("cannot expand " + x + " to " + Arrays.toString(shape));
    }
    return x.graph().node("Expand", x.type(), shape.clone(), Map.of(), x, x.graph().indices(shape));
  }

  /** Adds axes of length 1 at the end until the rank is {@code rank}: [N, C] → [N, C, 1, 1]. */
  public static Value unsqueezeTo(Value x, int rank) {
    long[] shape = Arrays.copyOf(x.shape(), rank);
    Arrays.fill(shape, x.rank(), rank, 1);
    return reshape(x, shape);
  }

  // ---- reductions ----

  /** Sum over {@code axes}, which stay as axes of length 1. */
  public static Value reduceSum(Value x, int... axes) {
    return reduce("ReduceSum", x, axes);
  }

  /** Mean over {@code axes}, which stay as axes of length 1. */
  public static Value reduceMean(Value x, int... axes) {
    return reduce("ReduceMean", x, axes);
  }

  /** Maximum over {@code axes}, which stay as axes of length 1. */
  public static Value reduceMax(Value x, int... axes) {
    return reduce("ReduceMax", x, axes);
  }

  private static Value reduce(String op, Value x, int... axes) {
    long[] shape = x.shape();
    long[] longAxes = Arrays.stream(axes).mapToLong(i -> i).toArray();
    for (int axis : axes) {
      shape[axis] = 1;
    }
    return x.graph().node(op, x.type(), shape, Map.of("keepdims", 1L), x, x.graph().indices(longAxes));
  }

  /**
   * Each item's mean over its group, of x's shape. Item n of N belongs to group n mod (N / g), where g, the size of a
   * group, is min(group, N). N must be a multiple of it; of a free batch that is seen when it runs.
   */
  public static Value groupMean(Value x, int group) {
    long[] shape = x.shape();
    long[] grouped = new long[shape.length + 1];
    System.arraycopy(shape, 1, grouped, 2, shape.length - 1);
    if (shape[0] == FREE) {
      long[] rest = Arrays.copyOfRange(grouped, 1, grouped.length);
      rest[0] = -1;
      Graph g = x.graph();
      return g.node(Node.GROUP_MEAN, x.type(), shape, Map.of("@group", (long) group), x, g.indices(group),
          g.indices(rest), g.indices(0));
    }
    grouped[0] = Math.min(group, shape[0]);
    grouped[1] = shape[0] / grouped[0];
    return reshape(expand(reduceMean(reshape(x, grouped), 0), grouped), shape);
  }

  /** Mean of all elements, as a scalar of shape []. */
  public static Value mean(Value x) {
    return reshape(reduceMean(x, IntStream.range(0, x.rank()).toArray()));
  }

  /** Sum of all elements, as a scalar of shape []. */
  public static Value sum(Value x) {
    return reshape(reduceSum(x, IntStream.range(0, x.rank()).toArray()));
  }

  /** log softmax over the last axis. */
  public static Value logSoftmax(Value x) {
    return x.graph().node("LogSoftmax", x.type(), x.shape(), Map.of("axis", -1L), x);
  }

  /** x / √(mean x² + ε) over the last axis, as ONNX Runtime's own operator. Its gradient is not defined. */
  public static Value normalizeRms(Value x, double epsilon) {
    Tensor ones = Tensor.zeros(x.dim(x.rank() - 1));
    Arrays.fill(ones.data(), 1);
    return x.graph().node("SimplifiedLayerNormalization", x.type(), x.shape(),
        Map.of("axis", -1L, "epsilon", (float) epsilon), x, x.graph().constant(ones));
  }

  // ---- linear ----

  /** alpha op(a) op(b), for matrices; op transposes where asked. */
  public static Value gemm(Value a, Value b, boolean transposeA, boolean transposeB, double alpha) {
    if (a.rank() != 2 || b.rank() != 2 || a.dim(transposeA ? 0 : 1) != b.dim(transposeB ? 1 : 0)) {
      throw new IllegalArgumentException("cannot multiply " + a + (transposeA ? "^T" : "") + " by " + b
          + (transposeB ? "^T" : ""));
    }
    long[] shape = {a.dim(transposeA ? 1 : 0), b.dim(transposeB ? 0 : 1)};
    return a.graph().node("Gemm", a.type(), shape,
        Map.of("alpha", (float) alpha, "transA", transposeA ? 1L : 0L, "transB", transposeB ? 1L : 0L), a, b);
  }

  /** Products of the matrices of the last two axes: a [..., R, K], b [..., K, C] → [..., R, C], the rest broadcast. */
  public static Value matmul(Value a, Value b) {
    if (a.rank() < 2 || b.rank() < 2 || a.dim(a.rank() - 1) != b.dim(b.rank() - 2)) {
      throw new IllegalArgumentException("cannot multiply " + a + " by " + b);
    }
    long[] rest = Shapes.broadcast(Arrays.copyOf(a.shape(), a.rank() - 2), Arrays.copyOf(b.shape(), b.rank() - 2));
    long[] shape = Arrays.copyOf(rest, rest.length + 2);
    shape[rest.length] = a.dim(a.rank() - 2);
    shape[rest.length + 1] = b.dim(b.rank() - 1);
    return a.graph().node("MatMul", a.type(), shape, Map.of(), a, b);
  }

  /**
   * Geometry of a convolution.
   *
   * @param stride of both axes
   * @param padBefore zeros above and to the left
   * @param padAfter zeros below and to the right
   * @param groups channel groups
   */
  public record Window(int stride, int padBefore, int padAfter, int groups) {

    public static Window same(int kernel) {
      return new Window(1, kernel / 2, kernel / 2, 1);
    }

    private Map<String, Object> attributes(long kernelHeight, long kernelWidth) {
      return Map.of("strides", new long[] {stride, stride},
          "pads", new long[] {padBefore, padBefore, padAfter, padAfter},
          "group", (long) groups,
          "dilations", new long[] {1, 1},
          "kernel_shape", new long[] {kernelHeight, kernelWidth});
    }

    public static Window of(Node node) {
      long[] pads = node.longs("pads");
      return new Window((int) node.longs("strides")[0], (int) pads[0], (int) pads[2], (int) node.integer("group"));
    }

    long outputSize(long input, long kernel) {
      return (input + padBefore + padAfter - kernel) / stride + 1;
    }
  }

  /** x [N, C, H, W], weight [O, C / groups, kh, kw] → [N, O, H', W']. */
  public static Value conv(Value x, Value weight, Window window) {
    if (x.rank() != 4 || weight.rank() != 4 || x.dim(1) != weight.dim(1) * window.groups()) {
      throw new IllegalArgumentException("cannot convolve " + x + " with " + weight + ", " + window);
    }
    long[] shape = {x.dim(0), weight.dim(0), window.outputSize(x.dim(2), weight.dim(2)),
        window.outputSize(x.dim(3), weight.dim(3))};
    requireOneType("Conv", x, weight);
    return x.graph().node("Conv", x.type(), shape, window.attributes(weight.dim(2), weight.dim(3)), x, weight);
  }

  /**
   * The adjoint of {@link #conv} in x: y [N, O, H', W'], weight [O, C / groups, kh, kw] → [N, C, H, W].
   *
   * @param height H; several sizes share one H' when the stride is above 1
   */
  public static Value convTranspose(Value y, Value weight, Window window, long height, long width) {
    if (y.rank() != 4 || weight.rank() != 4 || y.dim(1) != weight.dim(0)
        || window.outputSize(height, weight.dim(2)) != y.dim(2)
        || window.outputSize(width, weight.dim(3)) != y.dim(3)) {
      throw new IllegalArgumentException("cannot convolve (transposed) " + y + " with " + weight + ", " + window
          + " to " + height + "x" + width);
    }
    long extraHeight = height - ((y.dim(2) - 1) * window.stride() + weight.dim(2) - window.padBefore()
        - window.padAfter());
    long extraWidth = width - ((y.dim(3) - 1) * window.stride() + weight.dim(3) - window.padBefore()
        - window.padAfter());
    Map<String, Object> attributes = new java.util.HashMap<>(window.attributes(weight.dim(2), weight.dim(3)));
    attributes.put("output_padding", new long[] {extraHeight, extraWidth});
    long[] shape = {y.dim(0), weight.dim(1) * window.groups(), height, width};
    requireOneType("ConvTranspose", y, weight);
    return y.graph().node("ConvTranspose", y.type(), shape, attributes, y, weight);
  }

  /**
   * The adjoint of {@link #conv} in the weight: x [N, C, H, W], y [N, O, H', W'] → [O, C / groups, kh, kw].
   *
   * @param like a value of the weight's shape; its elements do not matter
   */
  public static Value convWeight(Value x, Value y, Value like, Window window) {
    return x.graph().node(Node.CONV_WEIGHT, DataType.FLOAT, like.shape(),
        window.attributes(like.dim(2), like.dim(3)), x, y, like);
  }
}
