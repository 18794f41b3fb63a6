package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.graph.Tensor;

/** Parameters that a source does without. */
final class Zeros {

  private Zeros() {}

  static Weight of(long... shape) {
    return Weight.of(shape, () -> Tensor.zeros(shape));
  }
}
