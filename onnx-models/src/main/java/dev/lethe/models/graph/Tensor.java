package dev.lethe.models.graph;

import java.util.Arrays;
import java.util.Objects;

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

  /** The slices of the first axis at these indices, in their order. */
  public Tensor rows(int[] indices) {
    long[] taken = shape.clone();
    int size = data.length / (int) shape[0];
    taken[0] = indices.length;
    float[] values = new float[indices.length * size];
    for (int i = 0; i < indices.length; i++) {
      System.arraycopy(data, indices[i] * size, values, i * size, size);
    }
    return new Tensor(taken, values);
  }

  /** The slices of the first axis from one index up to another, exclusive, of those that there are. */
  public Tensor rows(int from, int to) {
    Objects.checkFromToIndex(from, to, (int) shape[0]);
    long[] taken = shape.clone();
    int size = data.length / (int) shape[0];
    taken[0] = to - from;
    return new Tensor(taken, Arrays.copyOfRange(data, from * size, to * size));
  }

  /** The first slices of the first axis, as many as there are up to a number. */
  public Tensor first(int most) {
    return rows(0, Math.min(most, (int) shape[0]));
  }

  /** The slices of the first axis, and after them those of another tensor. */
  public Tensor then(Tensor other) {
    long[] joined = shape.clone();
    joined[0] += other.shape[0];
    float[] values = Arrays.copyOf(data, data.length + other.data.length);
    System.arraycopy(other.data, 0, values, data.length, other.data.length);
    return new Tensor(joined, values);
  }

  /** Rows of 0 with a 1 where the class is, [N, classes]. */
  public static Tensor oneHot(int[] indices, int classes) {
    Tensor rows = zeros(indices.length, classes);
    for (int i = 0; i < indices.length; i++) {
      rows.data[i * classes + indices[i]] = 1;
    }
    return rows;
  }
}
