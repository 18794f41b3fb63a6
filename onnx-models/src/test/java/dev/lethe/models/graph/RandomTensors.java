package dev.lethe.models.graph;

import java.util.SplittableRandom;

/** Tensors to compute with. */
public final class RandomTensors {

  private RandomTensors() {}

  /** Of the standard normal distribution. */
  public static Tensor normal(SplittableRandom random, long... shape) {
    Tensor tensor = Tensor.zeros(shape);
    for (int i = 0; i < tensor.data().length; i++) {
      tensor.data()[i] = (float) random.nextGaussian();
    }
    return tensor;
  }
}
