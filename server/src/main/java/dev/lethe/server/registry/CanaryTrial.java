package dev.lethe.server.registry;

import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.monitoring.ServerMetrics;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A candidate that serves a share of the requests that name no version, beside the version that serves the others: how
 * often each fails, and how long each takes. Both see the same mixture of requests, so that they can be compared.
 *
 * <p>What speaks against no version is not counted: clients that went away, and refusals of a queue that is full or of
 * a server that ends. Any thread may write and ask.
 */
public final class CanaryTrial {

  /** Requests of either version below which times are not compared: a few tell nothing. */
  static final int FEWEST_TIMES = 20;
  /** A candidate whose requests take so many times as long, in the median, is too slow. */
  static final double SLOWEST = 2;
  /** A candidate may fail so much more often, as a share of its requests: of 100, one may by chance. */
  static final double MORE_FAILURES = 0.01;
  /** Times that are kept of each version; with more, each new one replaces one at random. */
  private static final int KEPT_TIMES = 4096;

  private final ServedVersion candidate;
  private final CanaryRules.Rule rule;
  private final Side tried;
  private final Side serving;
  private volatile @Nullable String broken;

  /** What was seen of one version. */
  static final class Side {

    private final ServerMetrics.CanarySide metrics;
    // All guarded by this.
    private final double[] seconds = new double[KEPT_TIMES];
    private int calls;
    private int failures;

    Side(ServerMetrics.CanarySide metrics) {
      this.metrics = metrics;
    }

    synchronized void ended(@Nullable Throwable failure, double took) {
      if (failure instanceof CancellationException || failure instanceof Exhausted || failure instanceof Unavailable) {
        return;
      }
      metrics.ended(failure == null, took);
      int succeeded = calls - failures;
      calls++;
      if (failure != null) {
        failures++;
      } else if (succeeded < KEPT_TIMES) {
        seconds[succeeded] = took;
      } else {
        int place = ThreadLocalRandom.current().nextInt(succeeded + 1);
        if (place < KEPT_TIMES) {
          seconds[place] = took;
        }
      }
    }

    synchronized Seen seen() {
      double[] times = Arrays.copyOf(seconds, Math.min(calls - failures, KEPT_TIMES));
      Arrays.sort(times);
      return new Seen(calls, failures, at(times, 0.5), at(times, 0.99));
    }

    private static double at(double[] sorted, double quantile) {
      return sorted.length == 0 ? 0 : sorted[Math.min(sorted.length - 1, (int) (quantile * sorted.length))];
    }
  }

  /**
   * One version's requests.
   *
   * @param median seconds of those that succeeded; 0 of none
   * @param p99 the same
   */
  record Seen(int calls, int failures, double median, double p99) {

    private double rate() {
      return calls == 0 ? 0 : (double) failures / calls;
    }

    private String words() {
      return String.format(Locale.ROOT, "%d requests, %d failed, median %.1f ms, p99 %.1f ms", calls, failures,
          1e3 * median, 1e3 * p99);
    }
  }

  /**
   * What a trial has come to.
   *
   * @param against why the candidate may not be promoted; empty if it may
   * @param words what both have done
   */
  public record Outcome(Optional<String> against, String words) {}

  /** @param candidate the trial's to let go */
  CanaryTrial(ServedVersion candidate, CanaryRules.Rule rule, Side tried, Side serving) {
    this.candidate = candidate;
    this.rule = rule;
    this.tried = tried;
    this.serving = serving;
  }

  ServedVersion candidate() {
    return candidate;
  }

  Side serving() {
    return serving;
  }

  Side tried() {
    return tried;
  }

  /** Whether a request that comes now is the candidate's; drawn by chance. */
  boolean takes() {
    return ThreadLocalRandom.current().nextDouble() < rule.share();
  }

  /** Percent of the requests that the candidate takes. */
  double percent() {
    return 100 * rule.share();
  }

  /** It ends before its time, with nothing to compare. */
  void end(String why) {
    broken = why;
  }

  /** Requests that the candidate has served. */
  public int calls() {
    return tried.seen().calls();
  }

  /** Whether there is nothing to wait for: enough requests, or the versions have changed. */
  public boolean isOver() {
    return isBroken() || calls() >= rule.calls();
  }

  /** Whether it has ended before its time, since the versions have changed. */
  public boolean isBroken() {
    return broken != null;
  }

  /** What it has come to by now. */
  public Outcome outcome() {
    String why = broken;
    return why != null ? new Outcome(Optional.empty(), "the trial ended early: " + why)
        : compare(candidate.version(), tried.seen(), serving.seen());
  }

  static Outcome compare(String version, Seen tried, Seen serving) {
    String words = "version " + version + ": " + tried.words() + "; the version that serves: " + serving.words();
    if (tried.rate() > serving.rate() + MORE_FAILURES) {
      return new Outcome(Optional.of("it fails more often"), words);
    }
    boolean times = Math.min(tried.calls() - tried.failures(), serving.calls() - serving.failures()) >= FEWEST_TIMES;
    if (times && tried.median() > SLOWEST * serving.median()) {
      return new Outcome(Optional.of("it is more than " + (int) SLOWEST + " times as slow"), words);
    }
    return new Outcome(Optional.empty(), times ? words : words + "; too few to compare times");
  }
}
