package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** The shapes that {@link Ops} infers are those that ONNX Runtime computes, whatever operators follow each other. */
class ShapeInferenceTest {

  private static final int BATCH = 4;
  private static final long LARGEST = 20_000;

  /** One more operator: which, on which of the values so far, and two numbers to choose its attributes by. */
  record Step(Op op, int operand, int a, int b) {}

  enum Op {
    UNARY, BINARY, BROADCAST, WHERE, SUM, FLATTEN, RESHAPE, TRANSPOSE, CONCAT, SLICE, PAD, EXPAND, REDUCE_SUM,
    REDUCE_MEAN, MEAN, LOG_SOFTMAX, GEMM, CONV, DEPTHWISE_CONV, CONV_TRANSPOSE, CONV_WEIGHT
  }

  @Provide
  Arbitrary<List<Step>> steps() {
    Arbitrary<Integer> number = Arbitraries.integers().between(0, 1000);
    return Combinators.combine(Arbitraries.of(Op.class), number, number, number).as(Step::new)
        .list().ofMinSize(1).ofMaxSize(15);
  }

  @Property(tries = 150, edgeCases = EdgeCasesMode.NONE)
  void inferredShapesAreTheRealOnes(@ForAll("steps") List<Step> steps, @ForAll boolean free) {
    Graph g = new Graph("random");
    List<Value> values = new ArrayList<>();
    values.add(g.input("image", free ? Shapes.FREE : BATCH, 3, 6, 5));
    values.add(g.input("matrix", free ? Shapes.FREE : BATCH, 7));
    for (Step step : steps) {
      Value value = apply(step, values.get(step.operand % values.size()));
      if (elements(value) <= LARGEST) {
        values.add(value);
      }
    }
    for (int i = 0; i < values.size(); i++) {
      g.output("out" + i, values.get(i));
    }
    Map<String, Tensor> inputs = Map.of("image", Tensor.zeros(BATCH, 3, 6, 5), "matrix", Tensor.zeros(BATCH, 7));
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1))) {
      Map<String, Tensor> outputs = session.run(inputs);
      for (int i = 0; i < values.size(); i++) {
        long[] inferred = Arrays.stream(values.get(i).shape()).map(d -> d == Shapes.FREE ? BATCH : d).toArray();
        assertEquals(Arrays.toString(inferred), Arrays.toString(outputs.get("out" + i).shape()),
            values.get(i).toString());
      }
    }
  }

  private static long elements(Value value) {
    return Arrays.stream(value.shape()).map(d -> d == Shapes.FREE ? BATCH : d).reduce(1, (a, b) -> a * b);
  }

  // An operator that cannot take the operand gives it back as it is.
  private static Value apply(Step step, Value x) {
    Graph g = x.graph();
    boolean free = !Shapes.isStatic(x.shape());
    int rank = x.rank();
    int first = free ? 1 : 0;
    int axis = rank == first ? -1 : first + step.a % (rank - first);
    boolean image = rank == 4;
    int kernel = 1 + step.a % 4;
    int stride = 1 + step.b % 2;
    int before = Math.min(kernel - 1, step.b / 2 % 3);
    int after = Math.min(kernel - 1, step.b / 6 % 3);
    return switch (step.op) {
      case UNARY -> unary(step.a % 12, x);
      case BINARY -> step.a % 2 == 0 ? Ops.div(x, Ops.tanh(x)) : Ops.sub(x, Ops.square(x));
      case BROADCAST -> axis < 0 ? x : Ops.mul(x, Ops.reduceMean(x, axis));
      case WHERE -> Ops.where(Ops.greater(x, g.constant(0)), g.constant(1), x);
      case SUM -> Ops.addAll(List.of(x, Ops.exp(x), x));
      case FLATTEN -> rank < 2 ? x : Ops.reshape(x, x.dim(0), elements(x) / (free ? BATCH : x.dim(0)));
      case RESHAPE -> Ops.unsqueezeTo(x, Math.min(4, rank + 1));
      case TRANSPOSE -> axis < 0 ? x : Ops.transpose(x, swapped(rank, axis, rank - 1));
      case CONCAT -> axis < 0 ? x : Ops.concat(axis, List.of(x, Ops.neg(x)));
      case SLICE -> axis < 0 ? x : Ops.slice(x, axis, step.b % x.dim(axis), x.dim(axis));
      case PAD -> axis < 0 ? x : Ops.pad(x, only(rank, axis, step.b % 3), only(rank, axis, step.b / 3 % 3));
      case EXPAND -> free || axis < 0 ? x : Ops.expand(Ops.reduceSum(x, axis), x.shape());
      case REDUCE_SUM -> axis < 0 ? x : Ops.reduceSum(x, axis);
      case REDUCE_MEAN -> axis < 0 ? x : Ops.reduceMean(x, IntStream.range(axis, rank).toArray());
      case MEAN -> free ? x : step.a % 2 == 0 ? Ops.mean(x) : Ops.sum(x);
      case LOG_SOFTMAX -> rank == 0 ? x : Ops.logSoftmax(x);
      case GEMM -> rank != 2 ? x : step.b % 2 == 0
          ? Ops.gemm(x, g.constant(Tensor.zeros(kernel, x.dim(1))), false, true, 0.5)
          : free ? x : Ops.gemm(x, g.constant(Tensor.zeros(x.dim(0), kernel)), true, false, 2);
      case CONV -> !image || tooSmall(x, kernel, before, after) ? x
          : Ops.conv(x, g.constant(Tensor.zeros(2, x.dim(1), kernel, kernel)), new Window(stride, before, after, 1));
      case DEPTHWISE_CONV -> !image || tooSmall(x, kernel, before, after) ? x
          : Ops.conv(x, g.constant(Tensor.zeros(x.dim(1), 1, kernel, kernel)),
              new Window(stride, before, after, (int) x.dim(1)));
      case CONV_TRANSPOSE -> transposed(x, kernel, stride, before, after, step.b / 18 % stride);
      case CONV_WEIGHT -> {
        if (!image || free || tooSmall(x, kernel, before, after)) {
          yield x;
        }
        Value weight = g.constant(Tensor.zeros(2, x.dim(1), kernel, kernel));
        Window window = new Window(stride, before, after, 1);
        yield Ops.convWeight(x, Ops.conv(x, weight, window), weight, window);
      }
    };
  }

  private static boolean tooSmall(Value x, int kernel, int before, int after) {
    return Math.min(x.dim(2), x.dim(3)) + before + after < kernel;
  }

  private static Value transposed(Value x, int kernel, int stride, int before, int after, int extra) {
    if (x.rank() != 4) {
      return x;
    }
    long height = (x.dim(2) - 1) * stride + kernel - before - after + extra;
    long width = (x.dim(3) - 1) * stride + kernel - before - after + extra;
    if (height < 1 || width < 1) {
      return x;
    }
    Value weight = x.graph().constant(Tensor.zeros(x.dim(1), 2, kernel, kernel));
    return Ops.convTranspose(x, weight, new Window(stride, before, after, 1), height, width);
  }

  private static Value unary(int which, Value x) {
    return switch (which) {
      case 0 -> Ops.neg(x);
      case 1 -> Ops.abs(x);
      case 2 -> Ops.sign(x);
      case 3 -> Ops.exp(x);
      case 4 -> Ops.log(x);
      case 5 -> Ops.rsqrt(x);
      case 6 -> Ops.reciprocal(x);
      case 7 -> Ops.sigmoid(x);
      case 8 -> Ops.softplus(x);
      case 9 -> Ops.tanh(x);
      case 10 -> Ops.leakyRelu(x, 0.2);
      default -> Ops.detach(x);
    };
  }

  private static int[] swapped(int rank, int i, int j) {
    int[] permutation = IntStream.range(0, rank).toArray();
    permutation[i] = j;
    permutation[j] = i;
    return permutation;
  }

  private static long[] only(int rank, int axis, long value) {
    long[] values = new long[rank];
    values[axis] = value;
    return values;
  }
}
