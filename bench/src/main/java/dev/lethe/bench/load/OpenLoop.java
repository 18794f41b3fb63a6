package dev.lethe.bench.load;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Calls at times that do not depend on the answers, as those of many users who do not know of each other: a Poisson
 * process. The latency of a call counts from the time at which it was due, so that a server, or a load generator, that
 * stalls is charged for every call that it held up.
 */
public final class OpenLoop {

  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private OpenLoop() {}

  /**
   * Sends calls until a duration is over and waits for their answers.
   *
   * @param rate calls a second, on average
   * @param least calls are sent however short the duration
   * @param seed gives the same times
   * @throws IllegalStateException if a call fails, with its reason
   */
  public static Load run(Caller caller, double rate, int least, Duration duration, long seed)
      throws InterruptedException {
    SplittableRandom random = new SplittableRandom(seed);
    ConcurrentHistogram micros = new ConcurrentHistogram(Load.DIGITS);
    AtomicLong bytes = new AtomicLong();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    int calls = (int) Math.max(least, Math.round(rate * duration.toNanos() / 1e9));
    CountDownLatch open = new CountDownLatch(calls);
    long started = System.nanoTime();
    double due = 0;
    for (int i = 0; i < calls && failure.get() == null; i++) {
      due += -Math.log(1 - random.nextDouble()) / rate * 1e9;
      long dueAt = started + Math.round(due);
      for (long wait = dueAt - System.nanoTime(); wait > 0; wait = dueAt - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      caller.call(i).whenComplete((size, error) -> {
        if (error == null) {
          micros.recordValue((System.nanoTime() - dueAt) / 1000);
          bytes.addAndGet(size);
        } else {
          failure.compareAndSet(null, error);
        }
        open.countDown();
      });
    }
    if (failure.get() == null && !open.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("calls are not answered within " + PATIENCE.toMinutes() + " minutes");
    }
    if (failure.get() != null) {
      throw new IllegalStateException("a call failed: " + failure.get().getMessage(), failure.get());
    }
    return new Load(calls, (System.nanoTime() - started) / 1e9, calls, (double) bytes.get() / calls, micros);
  }
}
