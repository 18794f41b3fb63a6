package dev.lethe.models.graph;

import java.util.Arrays;

/**
 * A float tensor, row-major.
 *
 * @param shape its dimensions; empty for a scalar
 * @param data as many values as the product of the dimensions
 */
public record Tensor(long[] shape, float[] data) {

  public Tensor {
    if (Shapes.size(shape) != data.length) {
      throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " does not hold " + data.length
          + " values");
    }
  }

  public static Tensor of(float[] data, long... shape) {
    return new Tensor(shape, data);
  }

  public static Tensor zeros(long... shape) {
    return new Tensor(shape, new float[Math.toIntExact(Shapes.size(shape))]);
  }
}
