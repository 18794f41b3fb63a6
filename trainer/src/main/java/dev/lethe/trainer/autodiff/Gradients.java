package dev.lethe.trainer.autodiff;

import dev.lethe.models.graph.Node;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Reverse-mode differentiation of graphs. Gradients are ordinary values of the same graph: they can be outputs, feed
 * optimizers, or be differentiated again.
 */
public final class Gradients {

  private Gradients() {}

  /**
   * Gradients of a scalar.
   *
   * @param loss one element, of static shape
   * @param wrt the values to differentiate with respect to
   * @return as many values as {@code wrt}, of their shapes; zeros where the loss does not depend on one
   */
  public static List<Value> of(Value loss, List<Value> wrt) {
    if (loss.size() != 1) {
      throw new IllegalArgumentException("gradients are of a scalar; " + loss + " has " + loss.size() + " elements");
    }
    Value one = loss.graph().constant(Tensor.of(new float[] {1}, loss.shape()));
    return of(Map.of(loss, one), wrt);
  }

  /**
   * Vector-Jacobian products.
   *
   * @param upstream gradients by the value that they are of
   */
  public static List<Value> of(Map<Value, Value> upstream, List<Value> wrt) {
    Set<Node> relevant = dependants(upstream.keySet(), wrt);
    Map<Value, List<Value>> contributions = new HashMap<>();
    PriorityQueue<Node> open = new PriorityQueue<>(Comparator.comparingInt(Node::order).reversed());
    Set<Node> queued = new HashSet<>();
    upstream.forEach((value, gradient) ->
        contribute(value, gradient, contributions, relevant, open, queued));

    // Latest nodes first: when a node's turn comes, everything that uses it has had its own.
    while (!open.isEmpty()) {
      Node node = open.remove();
      Value output = node.output();
      Value gradient = Ops.addAll(contributions.get(output));
      contributions.put(output, new ArrayList<>(List.of(gradient)));
      List<Value> inputGradients = GradientRules.apply(node, gradient);
      for (int i = 0; i < inputGradients.size(); i++) {
        if (inputGradients.get(i) != null) {
          contribute(node.input(i), inputGradients.get(i), contributions, relevant, open, queued);
        }
      }
    }
    List<Value> gradients = new ArrayList<>();
    for (Value value : wrt) {
      List<Value> parts = contributions.get(value);
      gradients.add(parts == null
          ? value.graph().constant(Tensor.zeros(value.shape()))
          : Ops.addAll(parts));
    }
    return gradients;
  }

  private static void contribute(Value value, Value gradient, Map<Value, List<Value>> contributions,
      Set<Node> relevant, PriorityQueue<Node> open, Set<Node> queued) {
    Node producer = value.producer();
    contributions.computeIfAbsent(value, v -> new ArrayList<>()).add(gradient);
    if (producer != null && relevant.contains(producer) && queued.add(producer)) {
      open.add(producer);
    }
  }

  /** The nodes on a path from one of {@code wrt} to one of {@code outputs}. */
  private static Set<Node> dependants(Collection<Value> outputs, List<Value> wrt) {
    Set<Value> targets = new HashSet<>(wrt);
    Set<Node> ancestors = new HashSet<>();
    List<Value> open = new ArrayList<>(outputs);
    while (!open.isEmpty()) {
      Node node = open.remove(open.size() - 1).producer();
      if (node == null || node.op().equals(Node.DETACH) || !ancestors.add(node)) {
        continue;
      }
      GradientRules.require(node);
      open.addAll(node.inputs());
    }
    Set<Node> dependants = new HashSet<>();
    ancestors.stream().sorted(Comparator.comparingInt(Node::order)).forEach(node -> {
      boolean depends = node.inputs().stream().anyMatch(v -> targets.contains(v)
          || (v.producer() != null && dependants.contains(v.producer())));
      if (depends) {
        dependants.add(node);
      }
    });
    return dependants;
  }
}
