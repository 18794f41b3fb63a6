package dev.lethe.server.inference;

/** What synthesis adds after each convolution. */
public enum Noise {
  /** The model's own, always the same. */
  CONST,
  /** None. */
  NONE,
  /** Drawn afresh for each image. */
  RANDOM
}
