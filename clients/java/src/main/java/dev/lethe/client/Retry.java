package dev.lethe.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * When a call is made again that failed for a moment's reason. A call that the server refuses with a time to wait
 * ({@code grpc-retry-pushback-ms}) is made again after that time. One that did not reach the server is made again after a
 * pause that doubles, if it asks or generates; orders (submit, cancel, activate) are not, since the server may have
 * carried them out.
 *
 * @param attempts most times that one call is made, 1 or more
 * @param firstPause before the second attempt without a word from the server; then twice as long
 * @param longestPause of those
 * @param watchPatience how long a watch tries to reach a server again that it lost; zero: not at all
 */
public record Retry(int attempts, Duration firstPause, Duration longestPause, Duration watchPatience) {

  /** Every call is made once. */
  public static final Retry NONE = new Retry(1, Duration.ZERO, Duration.ZERO, Duration.ZERO);

  /** What clients of all languages do unless told otherwise; a server that is restarted has five minutes to load its models. */
  public static final Retry USUAL =
      new Retry(5, Duration.ofMillis(100), Duration.ofSeconds(5), Duration.ofMinutes(5));

  private static final int MOST_DOUBLINGS = 16;

  public Retry {
    if (attempts < 1 || firstPause.isNegative() || longestPause.compareTo(firstPause) < 0
        || watchPatience.isNegative()) {
      throw new IllegalArgumentException("attempts: " + attempts + ", firstPause: " + firstPause + ", longestPause: "
          + longestPause + ", watchPatience: " + watchPatience
          + " (expected: 1 or more, 0 or more, no less than firstPause, 0 or more)");
    }
  }

  /**
   * The pause after an attempt that failed; empty if there is to be no other.
   *
   * @param made attempts so far
   * @param repeatable whether the call may be made again when nobody knows if the server has seen it
   */
  Optional<Duration> pause(LetheException failure, int made, boolean repeatable) {
    return made < attempts && passes(failure, repeatable) ? Optional.of(pause(failure, made)) : Optional.empty();
  }

  /** Whether waiting may help. */
  static boolean passes(LetheException failure, boolean repeatable) {
    return failure.code() == Status.Code.RESOURCE_EXHAUSTED && failure.retryAfter().isPresent()
        || failure.code() == Status.Code.UNAVAILABLE && repeatable && failure.certificate().isEmpty();
  }

  Duration pause(LetheException failure, int made) {
    return failure.retryAfter().orElseGet(() -> {
      long doubled = firstPause.toNanos() << Math.min(made - 1, MOST_DOUBLINGS);
      long longest = Math.min(longestPause.toNanos(), doubled);
      // Drawn, so that clients that failed together do not come back together.
      return Duration.ofNanos(longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2 + 1));
    });
  }

  /** Sleeps; a call of this thread that is interrupted is cancelled. */
  static void sleep(Duration pause) {
    try {
      Thread.sleep(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LetheException(Status.Code.CANCELLED, "interrupted before the call was made again", e);
    }
  }
}
