package dev.lethe.bench.load;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Clients that each wait for an answer before they ask again. Many of them find the most that a server can do; one of
 * them finds how long a call takes when nobody else is there.
 *
 * <p>The clock starts when each client could have had its first answer and stops at an answer, so that neither the
 * first batches, which are not full yet, nor the calls under way at the end are counted in part.
 */
public final class ClosedLoop {

  /** However short the time, this many answers are counted for each client. */
  private static final int LEAST_ANSWERS = 2;
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final Caller caller;
  private final int clients;
  private final long nanos;
  private final CountDownLatch ended;

  // All guarded by this.
  private final Histogram micros = new Histogram(Load.DIGITS);
  private int seed;
  private long answers;
  private long bytes;
  private long clockStarted;
  private long counted;
  private long clockStopped;
  private boolean over;
  private Throwable failure;

  private ClosedLoop(Caller caller, int clients, Duration duration) {
    this.caller = caller;
    this.clients = clients;
    this.nanos = duration.toNanos();
    this.ended = new CountDownLatch(clients);
  }

  /**
   * Runs clients until they have been counted for a duration and no call is under way any more.
   *
   * @throws IllegalStateException if a call fails, with its reason
   */
  public static Load run(Caller caller, int clients, Duration duration) throws InterruptedException {
    return new ClosedLoop(caller, clients, duration).run();
  }

  private Load run() throws InterruptedException {
    for (int i = 0; i < clients; i++) {
      next();
    }
    if (!ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("calls are not answered within " + PATIENCE.toMinutes() + " minutes");
    }
    synchronized (this) {
      if (failure != null) {
        throw new IllegalStateException("a call failed: " + failure.getMessage(), failure);
      }
      return new Load(counted, (clockStopped - clockStarted) / 1e9, answers, (double) bytes / answers, micros);
    }
  }

  private void next() {
    int mine;
    synchronized (this) {
      if (over) {
        ended.countDown();
        return;
      }
      mine = seed++;
    }
    long sent = System.nanoTime();
    caller.call(mine).whenComplete((size, error) -> {
      answered(sent, size, error);
      next();
    });
  }

  private synchronized void answered(long sent, Integer size, Throwable error) {
    if (error != null) {
      failure = error;
      over = true;
      return;
    }
    long now = System.nanoTime();
    answers++;
    bytes += size;
    if (answers == clients) {
      clockStarted = now;
    } else if (answers > clients && !over) {
      counted++;
      micros.recordValue((now - sent) / 1000);
      clockStopped = now;
      over = now - clockStarted >= nanos && counted >= (long) LEAST_ANSWERS * clients;
    }
  }
}
