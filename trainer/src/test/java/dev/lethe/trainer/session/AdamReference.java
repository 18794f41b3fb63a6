package dev.lethe.trainer.session;

import java.util.HashMap;
import java.util.Map;

/** The formula of {@link AdamOptions} in double precision. */
final class AdamReference {

  private final AdamOptions options;
  private final Map<String, double[]> first = new HashMap<>();
  private final Map<String, double[]> second = new HashMap<>();
  private int step;

  AdamReference(AdamOptions options) {
    this.options = options;
  }

  void step(Map<String, double[]> parameters, Map<String, double[]> gradients) {
    step++;
    gradients.forEach((name, gradient) -> {
      double[] p = parameters.get(name);
      double[] m = first.computeIfAbsent(name, key -> new double[p.length]);
      double[] v = second.computeIfAbsent(name, key -> new double[p.length]);
      for (int i = 0; i < p.length; i++) {
        p[i] -= options.learningRate() * options.weightDecay() * p[i];
        m[i] = options.beta1() * m[i] + (1 - options.beta1()) * gradient[i];
        v[i] = options.beta2() * v[i] + (1 - options.beta2()) * gradient[i] * gradient[i];
        double mean = m[i] / (1 - Math.pow(options.beta1(), step));
        double square = v[i] / (1 - Math.pow(options.beta2(), step));
        p[i] -= options.learningRate() * mean / (Math.sqrt(square) + options.epsilon());
      }
    });
  }
}
