package dev.lethe.models.graph;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Counts the arithmetic of graphs of fixed shapes: the multiplications and additions of matrix products and
 * convolutions, beside which everything else is small.
 */
public final class Arithmetic {

  private Arithmetic() {}

  /** Multiply-add pairs to compute some values once, outside of branches. */
  public static long multiplyAdds(Collection<Value> values) {
    return multiplyAdds(values, Map.of());
  }

  /**
   * The same, with those branches that are taken.
   *
   * @param flags inputs of the graph that choose between branches, by name; branches that others choose are not counted
   */
  public static long multiplyAdds(Collection<Value> values, Map<String, Boolean> flags) {
    Set<Node> seen = new HashSet<>();
    Deque<Value> left = new ArrayDeque<>(values);
    long sum = 0;
    while (!left.isEmpty()) {
      Node node = left.pop().producer();
      if (node != null && seen.add(node)) {
        sum += multiplyAdds(node);
        left.addAll(node.inputs());
        Boolean taken = node.branches() == null ? null : flags.get(node.input(0).name());
        if (taken != null) {
          left.addAll(taken ? node.branches().thenOutputs() : node.branches().otherwiseOutputs());
        }
      }
    }
    return sum;
  }

  private static long multiplyAdds(Node node) {
    return switch (node.op()) {
      case "Gemm" -> elements(node.outputs().get(0))
          * node.inputs().get(0).dim(node.integer("transA") == 1 ? 0 : 1);
      case "Conv" -> elements(node.outputs().get(0)) * elementsOfOne(node.inputs().get(1));
      case "ConvTranspose" -> elements(node.inputs().get(0)) * elementsOfOne(node.inputs().get(1));
      case Node.CONV_WEIGHT -> elements(node.inputs().get(1)) * elementsOfOne(node.inputs().get(2));
      default -> 0;
    };
  }

  private static long elements(Value value) {
    return Arrays.stream(value.shape()).reduce(1, (a, b) -> a * b);
  }

  /** Of the kernel of one output channel. */
  private static long elementsOfOne(Value weight) {
    return elements(weight) / weight.dim(0);
  }
}
