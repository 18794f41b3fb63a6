package dev.lethe.trainer.worker;

import java.util.OptionalDouble;

/**
 * How long a job still takes, by how fast it has gone on since this worker took it up: one that carries on from a
 * checkpoint has not done itself what is done.
 */
final class TimeLeft {

  /** Share of a job that has to be done before its pace says anything. */
  private static final double LEAST = 0.02;

  private final long begun;
  private double first = -1;

  /** @param begun when the worker began, in nanoseconds of {@link System#nanoTime} */
  TimeLeft(long begun) {
    this.begun = begun;
  }

  /**
   * @param fraction of the job that is done, 0 to 1
   * @param now nanoseconds, as {@code begun}
   * @return seconds; empty while too little is done to say
   */
  OptionalDouble seconds(double fraction, long now) {
    if (first < 0) {
      first = fraction;
    }
    double done = fraction - first;
    return done > LEAST ? OptionalDouble.of((now - begun) / 1e9 * (1 - fraction) / done) : OptionalDouble.empty();
  }
}
