package dev.lethe.server.rpc;

import dev.lethe.server.errors.DomainException.Exhausted;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory of all messages that are still coming in or have not been dealt with, of all calls together: each is
 * bounded by itself, and many at once could still take more than Java has.
 */
public final class Arrivals {

  /** Nobody can say when a message that comes in now will be whole: about the time that a fast client needs. */
  private static final Duration RETRY_AFTER = Duration.ofMillis(500);

  private final long limit;
  private final CallObserver observer;
  private final AtomicLong held = new AtomicLong();

  /** @param limit in bytes; one call alone may hold more, else a single large message might never get in */
  public Arrivals(long limit, CallObserver observer) {
    this.limit = limit;
    this.observer = observer;
  }

  /** Bytes that are held now. */
  public long held() {
    return held.get();
  }

  /**
   * Makes room for some more bytes of a call.
   *
   * @param its bytes that it holds already
   * @return false if there is none; then nothing has changed
   */
  boolean take(long bytes, long its) {
    long before;
    do {
      before = held.get();
      if (before + bytes > limit && before > its) {
        return false;
      }
    } while (!held.compareAndSet(before, before + bytes));
    return true;
  }

  void give(long bytes) {
    held.addAndGet(-bytes);
  }

  /** What a call is told for which there is no room. */
  Exhausted refusal() {
    observer.arrivalRefused();
    return new Exhausted("the server is at its limit of " + limit + " bytes of messages that are coming in, of all"
        + " clients: try again in " + RETRY_AFTER.toMillis() + " ms", RETRY_AFTER);
  }
}
