package dev.lethe.trainer.session;

import java.util.Arrays;

/**
 * A parameter of a training graph and its value.
 *
 * @param name of the graph input that takes it
 * @param shape every dimension known; empty for a scalar
 * @param values row-major; not copied
 * @param trainable whether the optimizer changes it; if so the graph must have a gradient for it
 */
public record Parameter(String name, long[] shape, float[] values, boolean trainable) {

  public Parameter {
    long size = 1;
    for (long dimension : shape) {
      size = Math.multiplyExact(size, dimension);
    }
    if (size != values.length) {
      throw new IllegalArgumentException("Parameter " + name + " has " + values.length + " values, but its shape "
          + Arrays.toString(shape) + " holds " + size + ".");
    }
  }
}
