package dev.lethe.bench.device;

import dev.lethe.bench.measure.Turns;
import java.util.ArrayList;
import java.util.List;

/** How long a run takes: the median, after runs that warm up. */
final class Timing {

  private static final int WARM_UPS = 2;
  private static final int LEAST_RUNS = 3;

  /** Something to time. */
  @FunctionalInterface
  interface Run {
    void run() throws Exception;
  }

  private Timing() {}

  /**
   * Seconds of a run.
   *
   * @param seconds that all counted runs take together at least
   */
  static double median(double seconds, Run run) throws Exception {
    for (int i = 0; i < WARM_UPS; i++) {
      run.run();
    }
    List<Double> times = new ArrayList<>();
    long started = System.nanoTime();
    do {
      long before = System.nanoTime();
      run.run();
      times.add((System.nanoTime() - before) / 1e9);
    } while (times.size() < LEAST_RUNS || System.nanoTime() - started < seconds * 1e9);
    return Turns.median(times, time -> time);
  }
}
