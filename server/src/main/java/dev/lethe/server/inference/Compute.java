package dev.lethe.server.inference;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.runtime.ExecutionDevice;

/**
 * What models are computed on, and how.
 *
 * @param threads threads inside an operator on the CPU, the calling thread included, from 1
 * @param precision of synthesis, of models that have none of their own; mapping is always of floats
 * @param graphs which graphs of the mapping and synthesis networks
 */
public record Compute(ExecutionDevice device, int threads, Precision precision, Graphs graphs) {

  /** Which graphs of the networks are run. */
  public enum Graphs {
    /** On a CPU, in floats, and if the network allows it: graphs made of the bundle's weights for this processor. */
    AUTO,
    /** The bundle's own; in another precision than floats, one of synthesis that differs in that alone. */
    BUNDLE
  }

  public Compute {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + "; it must be 1 or more");
    }
  }

  /** The same on another device. */
  public Compute on(ExecutionDevice other) {
    return new Compute(other, threads, precision, graphs);
  }

  /** The same in another precision. */
  Compute in(Precision other) {
    return new Compute(device, threads, other, graphs);
  }

  /** Whether graphs other than the bundle's may be run. */
  boolean mayRebuild() {
    return graphs == Graphs.AUTO && precision == Precision.FP32 && device.equals(ExecutionDevice.CPU);
  }
}
