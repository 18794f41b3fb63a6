package dev.lethe.server.inference;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Precision;

/**
 * What models are computed on, and how.
 *
 * @param threads threads inside an operator on the CPU, the calling thread included, from 1
 * @param precision of synthesis, of models that have none of their own; mapping is always of floats
 */
public record Compute(ExecutionDevice device, int threads, Precision precision) {

  public Compute {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + "; it must be 1 or more");
    }
  }

  /** The same on another device. */
  public Compute on(ExecutionDevice other) {
    return new Compute(other, threads, precision);
  }

  /** The same in another precision. */
  Compute in(Precision other) {
    return new Compute(device, threads, other);
  }
}
