package dev.lethe.server.security;

import dev.lethe.server.errors.DomainException.Exhausted;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A principal that was admitted, and what is left of its rates. */
public final class Caller {

  private final Principal principal;
  private final TokenBucket requests;
  private final TokenBucket images;

  Caller(Principal principal, long now) {
    this.principal = principal;
    this.requests = bucket(principal.rates().requests(), now);
    this.images = bucket(principal.rates().images(), now);
  }

  private static TokenBucket bucket(double perSecond, long now) {
    return perSecond == 0 ? null : new TokenBucket(perSecond, now);
  }

  public Principal principal() {
    return principal;
  }

  /**
   * Counts images against the rate, all at once.
   *
   * @throws Exhausted with the time after which to try again
   */
  public void chargeImages(int count) {
    charge(images, count, principal.rates().images(), "images");
  }

  /** Counts one image against the rate; the milliseconds to wait if it is too early for one more, else 0. */
  public long tryImage() {
    return images == null ? 0 : milliseconds(images.take(1, System.nanoTime()));
  }

  void chargeRequest() {
    charge(requests, 1, principal.rates().requests(), "requests");
  }

  private void charge(TokenBucket bucket, int count, double rate, String what) {
    long wait = bucket == null ? 0 : milliseconds(bucket.take(count, System.nanoTime()));
    if (wait > 0) {
      throw new Exhausted(principal.name() + " is at its limit of " + rate + " " + what + " a second: try again in "
          + wait
          + " ms", Duration.ofMillis(wait));
    }
  }

  private static long milliseconds(long nanoseconds) {
    return nanoseconds == 0 ? 0 : Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanoseconds) + 1);
  }

  boolean isIdle(long now) {
    return (requests == null || requests.isFull(now)) && (images == null || images.isFull(now));
  }
}
