package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.Point;
import dev.lethe.trainer.session.ComputeCost;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The forms in which what a job has worked out is kept. */
final class JobPoints {

  private JobPoints() {}

  /** Of a run's result: what of the original's weights has changed, and figures. */
  static Point run(ModelWeights original, ModelWeights model, int steps, boolean diverged, ComputeCost cost,
      List<String> notes) {
    Map<String, Tensor> changed = new HashMap<>();
    model.weights().forEach((name, weight) -> {
      Tensor before = original.weights().get(name);
      if (before == null || !Arrays.equals(before.data(), weight.data())) {
        changed.put(name, weight);
      }
    });
    Map<String, Double> numbers = new HashMap<>(cost(cost));
    numbers.put("steps_of_model", (double) steps);
    numbers.put("diverged", diverged ? 1.0 : 0.0);
    return new Point(changed, numbers, notes, new byte[0]);
  }

  static RedactionRun.Result redaction(ModelWeights original, Point point) throws IOException {
    return new RedactionRun.Result(original.with(point.tensors()), (int) point.number("steps_of_model"),
        point.number("diverged") > 0, cost(point), point.texts());
  }

  static Point of(ModelWeights original, RedactionRun.Result result) {
    return run(original, result.model(), result.steps(), result.diverged(), result.cost(), result.notes());
  }

  static Map<String, Double> cost(ComputeCost cost) {
    return Map.of("cost_steps", (double) cost.steps(), "cost_seconds", cost.seconds(), "cost_multiply_adds",
        cost.multiplyAdds());
  }

  static ComputeCost cost(Point point) throws IOException {
    return new ComputeCost((long) point.number("cost_steps"), point.number("cost_seconds"),
        point.number("cost_multiply_adds"));
  }
}
