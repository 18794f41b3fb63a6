package dev.lethe.models.graph;

import dev.lethe.models.graph.BlockedOps.Padding;
import dev.lethe.models.graph.Node.Branches;
import dev.lethe.models.graph.Node.Scope;
import dev.lethe.models.graph.Ops.Window;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Rewrites a graph so that CPUs compute it faster, gradients included: what it can, it computes on blocked channels
 * ({@link BlockedOps}). ONNX Runtime does so of its own accord, but only where weights are constants; in a graph that
 * trains they are not. The results are the same but for rounding.
 *
 * <p>A value of the old graph may have several forms in the new one; each is made once, where it is first asked for:
 * plain; blocked; or blocked with a row and a column of zeros after the last ones, as a transposed convolution of
 * stride 2 gives it. An operator works on blocked values if it can and one of its large operands is blocked already.
 * Convolutions are where blocked values come from.
 */
public final class BlockedLayout {

  private static final Set<String> UNARY = Set.of("Neg", "Abs", "Sign", "Exp", "Log", "Sqrt", "Reciprocal", "Sigmoid",
      "Softplus", "Tanh", "LeakyRelu", "Clip", Node.DETACH);
  private static final Set<String> BINARY = Set.of("Add", "Sub", "Mul", "Div", Node.LEAKY_RELU_GRAD);

  /** What a value of the old graph is in the new one. */
  private static final class Forms {
    private Value plain;
    private Value blocked;
    private Value extended;
  }

  private final Graph from;
  private final Graph to;
  private final BlockedOps ops;
  private final int block;
  /** Of each scope that is being written, the innermost first: a branch does not see what another one made. */
  private final Deque<Map<Value, Forms>> known = new ArrayDeque<>();

  private BlockedLayout(Graph from, int block) {
    this.from = from;
    this.to = new Graph(from.name());
    this.ops = new BlockedOps(block);
    this.block = block;
  }

  /**
   * A graph and where values of the one that it was made of are in it.
   *
   * @param values by name in the old graph
   */
  public record Rewritten(Graph graph, Map<String, Value> values) {}

  /**
   * The graph in blocks, with the same inputs, parameters and outputs.
   *
   * @param kept other values that are wanted, of shapes without a free batch
   * @param block channels in a block: {@link dev.lethe.models.runtime.ChannelBlock}
   */
  public static Rewritten rewrite(Graph graph, Iterable<Value> kept, int block) {
    BlockedLayout layout = new BlockedLayout(graph, block);
    layout.known.push(new HashMap<>());
    graph.inputs().forEach((name, value) -> layout.forms(value).plain =
        layout.to.input(name, value.type(), value.shape()));
    graph.parameters().forEach((name, value) -> layout.forms(value).plain = layout.to.parameter(name, value.shape()));
    layout.write(graph.main());
    graph.outputs().forEach((name, value) -> layout.to.output(name, layout.plain(value)));
    Map<String, Value> values = new HashMap<>();
    kept.forEach(value -> values.put(value.name(), layout.plain(value)));
    return new Rewritten(layout.to, values);
  }

  // ---- forms of values ----

  /** The forms of a value that are known here, for more to be added. */
  private Forms forms(Value value) {
    Forms here = known.peek().get(value);
    if (here != null) {
      return here;
    }
    Forms forms = new Forms();
    for (Map<Value, Forms> scope : known) {
      Forms outer = scope.get(value);
      if (outer != null) {
        forms.plain = outer.plain;
        forms.blocked = outer.blocked;
        forms.extended = outer.extended;
        break;
      }
    }
    known.peek().put(value, forms);
    return forms;
  }

  private Value plain(Value value) {
    Forms forms = forms(value);
    if (forms.plain == null) {
      Object constant = from.constants().get(value);
      if (constant instanceof Tensor tensor) {
        forms.plain = tensor.shape().length == 0 ? to.constant(tensor.data()[0]) : to.constant(tensor);
      } else if (constant != null) {
        forms.plain = to.indices((long[]) constant);
      } else {
        forms.plain = BlockedOps.unblocked(blocked(value));
      }
    }
    return forms.plain;
  }

  private Value blocked(Value value) {
    Forms forms = forms(value);
    if (forms.blocked == null) {
      if (forms.extended != null) {
        Value x = ops.rows(forms.extended);
        forms.blocked = ops.image(Ops.slice(Ops.slice(x, 2, 0, value.dim(2)), 3, 0, value.dim(3)), value.dim(2),
            value.dim(3));
      } else {
        forms.blocked = BlockedOps.blocked(plain(value));
      }
    }
    return forms.blocked;
  }

  private boolean isBlocked(Value value) {
    Forms forms = forms(value);
    return forms.blocked != null || forms.extended != null;
  }

  private boolean fits(Value value) {
    return value.type() == DataType.FLOAT && value.rank() == 4 && Shapes.isStatic(value.shape())
        && ops.fits(value.dim(1)) && value.dim(2) * value.dim(3) > 1;
  }

  // ---- nodes ----

  private void write(Scope scope) {
    for (Node node : scope.nodes()) {
      if (node.branches() != null) {
        branch(node, node.branches());
      } else if (!inBlocks(node)) {
        copy(node);
      }
    }
  }

  private void branch(Node node, Branches branches) {
    List<Value> values = to.branch(plain(node.input(0)), () -> branch(branches.then(), branches.thenOutputs()),
        () -> branch(branches.otherwise(), branches.otherwiseOutputs()));
    for (int i = 0; i < values.size(); i++) {
      forms(node.outputs().get(i)).plain = values.get(i);
    }
  }

  private List<Value> branch(Scope scope, List<Value> outputs) {
    known.push(new HashMap<>());
    write(scope);
    List<Value> values = outputs.stream().map(this::plain).toList();
    known.pop();
    return values;
  }

  private void copy(Node node) {
    Value[] operands = node.inputs().stream().map(this::plain).toArray(Value[]::new);
    List<long[]> shapes = node.outputs().stream().map(Value::shape).toList();
    List<Value> values = to.node(node.op(), node.output().type(), shapes, node.attributes(), operands);
    for (int i = 0; i < values.size(); i++) {
      forms(node.outputs().get(i)).plain = values.get(i);
    }
  }

  /** Whether the node was written for blocked values. */
  private boolean inBlocks(Node node) {
    if (UNARY.contains(node.op())) {
      return unary(node);
    }
    if (BINARY.contains(node.op())) {
      return binary(node);
    }
    return switch (node.op()) {
      case "Conv" -> convolution(node);
      case "ConvTranspose" -> transposed(node);
      case Node.ADD_ALL -> sum(node);
      case "ReduceSum", "ReduceMean" -> reduction(node);
      default -> false;
    };
  }

  // ---- between convolutions ----

  private boolean unary(Node node) {
    Value x = node.input(0);
    if (!fits(x) || !isBlocked(x)) {
      return false;
    }
    Value[] operands = node.inputs().stream().map(v -> v == x ? blocked(x) : plain(v)).toArray(Value[]::new);
    forms(node.output()).blocked =
        to.node(node.op(), node.output().type(), node.output().shape(), node.attributes(), operands);
    return true;
  }

  private boolean sum(Node node) {
    if (!fits(node.output()) || node.inputs().stream().noneMatch(this::isBlocked)) {
      return false;
    }
    forms(node.output()).blocked = Ops.addAll(node.inputs().stream().map(this::blocked).toList());
    return true;
  }

  private boolean binary(Node node) {
    Value out = node.output();
    if (!fits(out) || node.inputs().stream().noneMatch(v -> v.hasShape(out.shape()) && isBlocked(v))) {
      return false;
    }
    Value whole = node.input(0).hasShape(out.shape()) ? node.input(0) : node.input(1);
    Value other = whole == node.input(0) ? node.input(1) : node.input(0);
    Value a = blocked(whole);
    Value b;
    if (other.hasShape(out.shape())) {
      forms(out).blocked = to.node(node.op(), out.type(), out.shape(), node.attributes(), blocked(node.input(0)),
          blocked(node.input(1)));
      return true;
    } else if (other.size() == 1) {
      b = Ops.reshape(plain(other));
    } else if (other.rank() == 4 && other.dim(1) == out.dim(1) && other.dim(2) == 1 && other.dim(3) == 1) {
      a = ops.pixels(a);
      b = ops.perChannel(plain(other), a.dim(3));
    } else if (other.rank() == 4 && other.dim(1) == 1 && other.dim(2) == out.dim(2) && other.dim(3) == out.dim(3)) {
      a = Ops.reshape(a, out.dim(0), out.dim(1) / block, out.dim(2) * out.dim(3) * block);
      b = ops.perPixel(plain(other));
    } else if (fits(other)) {
      b = blocked(other);
    } else {
      return false;
    }
    Value result = whole == node.input(0) ? binary(node.op(), a, b) : binary(node.op(), b, a);
    forms(out).blocked = Ops.reshape(result, out.shape());
    return true;
  }

  private static Value binary(String op, Value a, Value b) {
    return switch (op) {
      case "Add" -> Ops.add(a, b);
      case "Sub" -> Ops.sub(a, b);
      case "Mul" -> Ops.mul(a, b);
      case "Div" -> Ops.div(a, b);
      default -> throw new IllegalArgumentException(op);
    };
  }

  /** Reductions whose results are small; they are plain. */
  private boolean reduction(Node node) {
    Value x = node.input(0);
    if (!fits(x) || !isBlocked(x)) {
      return false;
    }
    Value out = node.output();
    boolean[] reduced = new boolean[4];
    IntStream.range(0, 4).forEach(i -> reduced[i] = out.dim(i) == 1 && x.dim(i) != 1);
    boolean pixels = reduced[2] && reduced[3];
    boolean noPixels = !reduced[2] && !reduced[3];
    boolean channels = reduced[1];
    Value y = blocked(x);
    long n = x.dim(0);
    long blocks = x.dim(1) / block;
    long area = x.dim(2) * x.dim(3);
    if (channels && pixels) {
      // Their order does not matter.
      y = Ops.reduceSum(Ops.reshape(y, n, x.dim(1) * area), reduced[0] ? new int[] {0, 1} : new int[] {1});
    } else if (pixels) {
      y = Ops.reshape(Ops.reduceSum(Ops.reshape(y, n * blocks, area, block), 1), n, x.dim(1));
      y = reduced[0] ? Ops.reduceSum(y, 0) : y;
    } else if (channels && noPixels) {
      y = reduced[0]
          ? Ops.reduceSum(Ops.reshape(y, n * blocks, area * block), 0)
          : Ops.reduceSum(Ops.reshape(y, n, blocks, area * block), 1);
      y = Ops.reduceSum(Ops.reshape(y, y.size() / block, block), 1);
    } else {
      return false;
    }
    if (node.op().equals("ReduceMean")) {
      y = Ops.mul(y, (double) out.size() / x.size());
    }
    forms(out).plain = Ops.reshape(y, out.shape());
    return true;
  }

  // ---- convolutions ----

  private boolean convolution(Node node) {
    Value x = node.input(0);
    Value w = node.input(1);
    Value out = node.output();
    Window window = Window.of(node);
    Padding padding = new Padding(window.padBefore(), window.padBefore(), window.padAfter(), window.padAfter());
    if (x.type() != DataType.FLOAT || !Shapes.isStatic(x.shape())) {
      return false;
    }
    boolean each = window.groups() > 1 && window.groups() == x.dim(1) && w.dim(0) == x.dim(1);
    if (each && fits(x) && isBlocked(x) && from.constants().get(w) instanceof Tensor kernel) {
      forms(out).blocked = eachChannel(x, kernel, window.stride(), padding, out);
      return true;
    }
    if (window.groups() != 1) {
      return false;
    }
    if (ops.fits(out.dim(1)) && (ops.fits(x.dim(1)) || x.dim(1) < block)) {
      boolean whole = ops.fits(x.dim(1));
      Value weight = whole ? ops.weight(plain(w)) : ops.weightOfPlain(plain(w));
      forms(out).blocked = ops.conv(whole ? blocked(x) : plain(x), weight, window.stride(), padding, 1, out.shape());
      return true;
    }
    if (fits(x) && isBlocked(x) && isPointwise(w, window)) {
      Value matrices = Ops.reshape(Ops.transpose(Ops.reshape(plain(w), w.dim(0), w.dim(1)), 1, 0), 1,
          x.dim(1) / block, block, w.dim(0));
      forms(out).plain = ops.project(blocked(x), matrices);
      return true;
    }
    return false;
  }

  private static boolean isPointwise(Value w, Window window) {
    return w.dim(2) == 1 && w.dim(3) == 1 && window.stride() == 1 && window.padBefore() == 0 && window.padAfter() == 0;
  }

  private Value eachChannel(Value x, Tensor kernel, int stride, Padding padding, Value out) {
    Forms forms = forms(x);
    boolean extended = forms.extended != null && stride == 1 && padding.bottom() > 0 && padding.right() > 0;
    Padding inner = extended
        ? new Padding(padding.top(), padding.left(), padding.bottom() - 1, padding.right() - 1) : padding;
    return ops.conv(extended ? forms.extended : blocked(x), to.constant(ops.depthwise(kernel)), stride, inner,
        (int) out.dim(1), out.shape());
  }

  /** The adjoint of a convolution in the image. */
  private boolean transposed(Node node) {
    Value y = node.input(0);
    Value w = node.input(1);
    Value out = node.output();
    Window window = Window.of(node);
    if (y.type() != DataType.FLOAT || !Shapes.isStatic(y.shape())) {
      return false;
    }
    boolean each = window.groups() > 1 && window.groups() == y.dim(1) && w.dim(1) == 1;
    if (each && !(fits(y) && isBlocked(y) && from.constants().get(w) instanceof Tensor)) {
      return false;
    }
    if (!each && (window.groups() != 1 || !ops.fits(out.dim(1)) || !(ops.fits(y.dim(1)) || y.dim(1) < block))) {
      return !each && window.groups() == 1 && fits(y) && isBlocked(y) && isPointwise(w, window)
          && project(y, w, out);
    }
    if (window.stride() == 1) {
      int kernel = (int) w.dim(2);
      if (w.dim(3) != kernel || window.padBefore() >= kernel || window.padAfter() >= kernel) {
        return false;
      }
      int before = kernel - 1 - window.padBefore();
      int after = kernel - 1 - window.padAfter();
      Padding padding = new Padding(before, before, after, after);
      int[] flip = IntStream.range(0, kernel).map(i -> kernel - 1 - i).toArray();
      if (each) {
        forms(out).blocked = eachChannel(y, taps((Tensor) from.constants().get(w), flip, flip), 1, padding, out);
      } else {
        forms(out).blocked = part(y, w, flip, flip, padding, out.shape());
      }
      return true;
    }
    return window.stride() == 2 && w.dim(2) == w.dim(3) && doubled(y, w, out, window, each);
  }

  private boolean project(Value y, Value w, Value out) {
    Value matrices = Ops.reshape(plain(w), 1, y.dim(1) / block, block, w.dim(1));
    forms(out).plain = ops.project(blocked(y), matrices);
    return true;
  }

  /**
   * A transposed convolution of stride 2 as four convolutions, one for each pixel of two by two, without the zeros in
   * between: row 2m + r of the result takes those kernel rows t for which r + padding - t is even, and row m + (r +
   * padding - t) / 2 of the operand.
   */
  private boolean doubled(Value y, Value w, Value out, Window window, boolean each) {
    int kernel = (int) w.dim(2);
    long height = (out.dim(2) + 1) / 2;
    long width = (out.dim(3) + 1) / 2;
    long[] shape = {out.dim(0), out.dim(1), height, width};
    int[][] taps = new int[2][];
    int[] before = new int[2];
    for (int r = 0; r < 2; r++) {
      int odd = (r + window.padBefore()) % 2;
      taps[r] = IntStream.range(0, kernel).map(i -> kernel - 1 - i).filter(t -> t % 2 == odd).toArray();
      if (taps[r].length == 0) {
        return false;
      }
      before[r] = -(r + window.padBefore() - taps[r][0]) / 2;
      if (before[r] < 0 || after(height, y.dim(2), before[r], taps[r]) < 0
          || after(width, y.dim(3), before[r], taps[r]) < 0) {
        return false;
      }
    }
    Value[] phases = new Value[4];
    for (int i = 0; i < 4; i++) {
      int r = i / 2;
      int c = i % 2;
      Padding padding = new Padding(before[r], before[c], after(height, y.dim(2), before[r], taps[r]),
          after(width, y.dim(3), before[c], taps[c]));
      phases[i] = each
          ? ops.conv(blocked(y), to.constant(ops.depthwise(taps((Tensor) from.constants().get(w), taps[r], taps[c]))),
              1, padding, (int) out.dim(1), shape)
          : part(y, w, taps[r], taps[c], padding, shape);
    }
    Value all = ops.interleave(List.of(phases));
    if (out.hasShape(all.shape())) {
      forms(out).blocked = all;
    } else if (out.dim(2) == all.dim(2) - 1 && out.dim(3) == all.dim(3) - 1
        && out.dim(2) + window.padBefore() >= 2 * (y.dim(2) - 1) + kernel
        && out.dim(3) + window.padBefore() >= 2 * (y.dim(3) - 1) + kernel) {
      // No kernel reaches beyond the end: there are zeros.
      forms(out).extended = all;
    } else {
      return false;
    }
    return true;
  }

  private static int after(long size, long from, int before, int[] taps) {
    return (int) (size - from) - before + taps.length - 1;
  }

  /** A convolution with some rows and columns of kernels, in this order, from y's channels to those before them. */
  private Value part(Value y, Value w, int[] rows, int[] columns, Padding padding, long[] shape) {
    boolean whole = ops.fits(y.dim(1));
    Value weight = Ops.transpose(plain(w), 2, 3, 1, 0);
    weight = Ops.gather(Ops.reshape(weight, w.dim(2) * w.dim(3), w.dim(1), w.dim(0)),
        Arrays.stream(rows).boxed().flatMap(r -> Arrays.stream(columns).mapToObj(c -> (long) r * w.dim(3) + c))
            .mapToLong(Long::longValue).toArray());
    weight = Ops.reshape(Ops.transpose(weight, 1, 2, 0), w.dim(1), w.dim(0), rows.length, columns.length);
    return ops.conv(whole ? blocked(y) : plain(y), whole ? ops.weight(weight) : ops.weightOfPlain(weight), 1, padding,
        1, shape);
  }

  private static Tensor taps(Tensor weight, int[] rows, int[] columns) {
    long[] shape = weight.shape();
    int height = (int) shape[2];
    int width = (int) shape[3];
    int kernels = weight.data().length / height / width;
    float[] data = new float[kernels * rows.length * columns.length];
    int at = 0;
    for (int k = 0; k < kernels; k++) {
      for (int row : rows) {
        for (int column : columns) {
          data[at++] = weight.data()[(k * height + row) * width + column];
        }
      }
    }
    return new Tensor(new long[] {shape[0], shape[1], rows.length, columns.length}, data);
  }
}
