package dev.lethe.models.stylegan2;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.graph.DataType;

/**
 * Which blocks compute in half precision: those of the four highest resolutions, never that of 4×4, as the reference
 * has it (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", on mixed precision): the
 * work is at high resolutions, the composition of the picture at low ones.
 */
final class MixedPrecision {

  /** Resolutions that compute in half precision. */
  private static final int HALF_RESOLUTIONS = 4;

  private MixedPrecision() {}

  /** Of the activations of the block of this resolution. */
  static DataType at(Precision precision, int resolution, StyleGan2Config config) {
    int lowest = Math.max(8, config.resolution() >> (HALF_RESOLUTIONS - 1));
    return precision == Precision.FP16 && resolution >= lowest ? DataType.FLOAT16 : DataType.FLOAT;
  }
}
