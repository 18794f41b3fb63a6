package dev.lethe.server.inference;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Precision;

/**
 * What models are computed on, and how.
 *
 * @param threads threads inside an operator on the CPU, the calling thread included, from 1
 * @param precision of synthesis, of models that have none of their own; mapping is always of floats
 * @param graph which graph of the synthesis network
 */
public record Compute(ExecutionDevice device, int threads, Precision precision, SynthesisGraph graph) {

  /** Which graph of the synthesis network is run. */
  public enum SynthesisGraph {
    /** On a CPU, in floats, and if the network allows it: one made of the bundle's weights for this processor. */
    AUTO,
    /** The bundle's own; in another precision than floats, one that differs from it in that alone. */
    BUNDLE
  }

  public Compute {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + "; it must be 1 or more");
    }
  }

  /** The same on another device. */
  public Compute on(ExecutionDevice other) {
    return new Compute(other, threads, precision, graph);
  }

  /** The same in another precision. */
  Compute in(Precision other) {
    return new Compute(device, threads, other, graph);
  }
}
