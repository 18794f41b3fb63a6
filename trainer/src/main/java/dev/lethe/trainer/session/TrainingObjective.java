package dev.lethe.trainer.session;

import dev.lethe.models.graph.Arithmetic;
import dev.lethe.models.graph.BlockedLayout;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Value;
import dev.lethe.trainer.autodiff.Gradients;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What is learned.
 *
 * @param graph its outputs are what a step gives back
 * @param gradients by name of the parameter that they are of
 * @param averaged names of those parameters whose moving averages are kept
 */
public record TrainingObjective(Graph graph, Map<String, Value> gradients, Set<String> averaged) {

  public TrainingObjective(Graph graph, Map<String, Value> gradients) {
    this(graph, gradients, Set.of());
  }

  /** Those parameters of the graph that are chosen by name descend along the gradient of a loss, a scalar. */
  public static TrainingObjective descent(Graph graph, Value loss, Predicate<String> chosen) {
    List<Value> parameters = graph.parameters().values().stream().filter(p -> chosen.test(p.name())).toList();
    List<Value> gradients = Gradients.of(loss, parameters);
    Map<String, Value> byName = new LinkedHashMap<>();
    for (int i = 0; i < gradients.size(); i++) {
      byName.put(parameters.get(i).name(), gradients.get(i));
    }
    return new TrainingObjective(graph, byName);
  }

  /** The same as CPUs compute it faster: see {@link BlockedLayout}. */
  TrainingObjective inBlocks(int block) {
    BlockedLayout.Rewritten rewritten = BlockedLayout.rewrite(graph, gradients.values(), block);
    Map<String, Value> blocked = new LinkedHashMap<>();
    gradients.forEach((name, gradient) -> blocked.put(name, rewritten.values().get(gradient.name())));
    return new TrainingObjective(rewritten.graph(), blocked, averaged);
  }

  double multiplyAdds() {
    return multiplyAdds(Map.of());
  }

  /**
   * Multiply-add pairs of matrix products and convolutions of a step.
   *
   * @param flags the bool inputs that choose between branches, by name; branches that others choose are not counted
   */
  public double multiplyAdds(Map<String, Boolean> flags) {
    Set<Value> results = new HashSet<>(gradients.values());
    results.addAll(graph.outputs().values());
    return Arithmetic.multiplyAdds(results, flags);
  }
}
