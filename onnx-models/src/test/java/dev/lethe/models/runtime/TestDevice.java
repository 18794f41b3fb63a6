package dev.lethe.models.runtime;

/** Where tests of numbers run: the environment's LETHE_TEST_DEVICE, by default the processor. */
public final class TestDevice {

  private TestDevice() {}

  public static ExecutionDevice get() {
    return ExecutionDevice.parse(System.getenv().getOrDefault("LETHE_TEST_DEVICE", "cpu"));
  }

  /** One thread of it. */
  public static Compute compute() {
    return new Compute(get(), 1);
  }
}
