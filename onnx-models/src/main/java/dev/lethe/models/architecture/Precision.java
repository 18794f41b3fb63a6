package dev.lethe.models.architecture;

/** What synthesis computes in. Inputs, outputs and the sum of the skip connections are floats in any case. */
public enum Precision {

  /** Floats. */
  FP32,

  /** Half precision where the architecture computes in it, and floats elsewhere. */
  FP16
}
