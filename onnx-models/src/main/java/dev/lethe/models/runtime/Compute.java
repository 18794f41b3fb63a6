package dev.lethe.models.runtime;

/**
 * What sessions compute on.
 *
 * @param threads threads within an operator on the CPU, the calling thread included; 0 for one on each core. Where
 *     sessions share threads, it has no effect
 */
public record Compute(ExecutionDevice device, int threads) {

  public Compute {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + ": use 0 for one on each core, or a number above.");
    }
  }

  /** The processor alone. */
  public static Compute cpu(int threads) {
    return new Compute(ExecutionDevice.CPU, threads);
  }

  public boolean onCpu() {
    return device.equals(ExecutionDevice.CPU);
  }
}
