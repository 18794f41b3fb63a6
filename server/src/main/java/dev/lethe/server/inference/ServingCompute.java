package dev.lethe.server.inference;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.ExecutionDevice;

/**
 * What models are computed on, and how.
 *
 * @param sessions what their sessions compute on, with 1 thread or more
 * @param precision of synthesis, of models that have none of their own; mapping is always of floats
 * @param graphs which graphs of the mapping and synthesis networks
 */
public record ServingCompute(Compute sessions, Precision precision, Graphs graphs) {

  /** Which graphs of the networks are run. */
  public enum Graphs {
    /** On a CPU, in floats, and if the network allows it: graphs made of the bundle's weights for this processor. */
    AUTO,
    /** The bundle's own; in another precision than floats, one of synthesis that differs in that alone. */
    BUNDLE
  }

  public ServingCompute {
    if (sessions.threads() < 1) {
      throw new IllegalArgumentException("threads is " + sessions.threads() + "; it must be 1 or more");
    }
  }

  public ExecutionDevice device() {
    return sessions.device();
  }

  public int threads() {
    return sessions.threads();
  }

  /** The same on another device. */
  public ServingCompute on(ExecutionDevice other) {
    return new ServingCompute(new Compute(other, threads()), precision, graphs);
  }

  /** The same in another precision. */
  ServingCompute in(Precision other) {
    return new ServingCompute(sessions, other, graphs);
  }

  /** Whether graphs other than the bundle's may be run. */
  boolean mayRebuild() {
    return graphs == Graphs.AUTO && precision == Precision.FP32 && sessions.onCpu();
  }
}
