package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.DataType;

/** What synthesis computes in. Inputs, outputs and the sum of the skip connections are floats in any case. */
public enum Precision {

  /** Floats. */
  FP32,

  /**
   * Half precision at the four highest resolutions, never at 4×4, as the reference has it (Karras et al. 2020,
   * "Training Generative Adversarial Networks with Limited Data", on mixed precision): the work is at high resolutions,
   * the composition of the picture at low ones.
   */
  FP16;

  /** Resolutions that compute in half precision. */
  private static final int HALF_RESOLUTIONS = 4;

  /** Of the activations of the block of this resolution. */
  DataType at(int resolution, StyleGan2Config config) {
    int lowest = Math.max(8, config.resolution() >> (HALF_RESOLUTIONS - 1));
    return this == FP16 && resolution >= lowest ? DataType.FLOAT16 : DataType.FLOAT;
  }
}
