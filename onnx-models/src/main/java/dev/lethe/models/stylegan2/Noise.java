package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.Value;

/** The noise that synthesis adds after each convolution. */
public sealed interface Noise {

  /** None. */
  record None() implements Noise {}

  /** The network's own constant noise: parameters {@code noise_const}. */
  record Constant() implements Noise {}

  /** Given by the caller: [N, {@link Generator#noiseSize}], standard normal, layer after layer. */
  record Given(Value value) implements Noise {}

  static Noise none() {
    return new None();
  }

  static Noise constant() {
    return new Constant();
  }

  static Noise given(Value value) {
    return new Given(value);
  }
}
