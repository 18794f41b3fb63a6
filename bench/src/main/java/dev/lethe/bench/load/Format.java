package dev.lethe.bench.load;

/** What an image is asked for as. */
public enum Format {
  /** float32 values, [C, H, W]. */
  TENSOR,
  /** A PNG file. */
  PNG
}
