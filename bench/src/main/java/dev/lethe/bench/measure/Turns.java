package dev.lethe.bench.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Measuring in turns: what is compared runs one after the other, again and again, so that a machine that slows down for
 * a while slows down all of it. Ratios are of values of one turn; medians and ranges are over turns.
 */
public final class Turns {

  private static final int LEAST_RUNS = 2;

  /** Something to measure. */
  @FunctionalInterface
  public interface Run {
    void run();
  }

  /** The median, least and greatest of a ratio over turns. */
  public record Ratio(double median, double least, double greatest) {}

  private Turns() {}

  /**
   * Median milliseconds of each run, by turn. A turn before the first, which warms up, is not counted.
   *
   * @param seconds of each run in each turn at least
   */
  public static List<double[]> take(int turns, double seconds, Run... runs) {
    List<double[]> millis = new ArrayList<>();
    for (int turn = 0; turn <= turns; turn++) {
      double[] now = Arrays.stream(runs).mapToDouble(run -> millis(run, seconds)).toArray();
      if (turn > 0) {
        millis.add(now);
      }
    }
    return millis;
  }

  private static double millis(Run run, double seconds) {
    List<Double> times = new ArrayList<>();
    long started = System.nanoTime();
    do {
      long before = System.nanoTime();
      run.run();
      times.add((System.nanoTime() - before) / 1e6);
    } while (times.size() < LEAST_RUNS || System.nanoTime() - started < seconds * 1e9);
    return median(times, time -> time);
  }

  /** The median over turns of one column. */
  public static double median(List<double[]> turns, int column) {
    return median(turns, turn -> turn[column]);
  }

  /** The median of a number of each. */
  public static <T> double median(List<T> values, ToDoubleFunction<T> number) {
    double[] sorted = values.stream().mapToDouble(number).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** One column by another. */
  public static Ratio ratio(List<double[]> turns, int column, int by) {
    double[] ratios = turns.stream().mapToDouble(turn -> turn[column] / turn[by]).sorted().toArray();
    return new Ratio(median(turns, turn -> turn[column] / turn[by]), ratios[0], ratios[ratios.length - 1]);
  }
}
