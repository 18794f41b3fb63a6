package dev.lethe.bench.load;

import org.HdrHistogram.Histogram;

/**
 * What a load generator saw.
 *
 * @param images that were answered and counted
 * @param seconds that they took
 * @param calls all that were sent, those before and after the counted ones included
 * @param bytes of an answer, on average
 * @param micros latencies of the counted calls in microseconds
 */
public record Load(long images, double seconds, long calls, double bytes, Histogram micros) {

  /** Significant digits of a latency. */
  static final int DIGITS = 3;

  /** Images a second. */
  public double rate() {
    return images / seconds;
  }

  /** The latency, in milliseconds, that {@code percent} of the calls do not exceed. */
  public double millis(double percent) {
    return millis(micros, percent);
  }

  /** The same of latencies in microseconds, of several loads together. */
  public static double millis(Histogram micros, double percent) {
    return micros.getValueAtPercentile(percent) / 1e3;
  }
}
