package dev.lethe.server.security;

/**
 * Holds one second's worth of what may be taken, or one piece if that is more, and fills up steadily. Who takes more
 * than it holds waits until it is full, and leaves a debt.
 */
final class TokenBucket {

  private final double perSecond;
  private final double capacity;
  private double level;
  private long last;

  /**
   * @param perSecond more than 0
   * @param now any clock's nanoseconds, of the same clock as those given to {@link #take}
   */
  TokenBucket(double perSecond, long now) {
    this.perSecond = perSecond;
    this.capacity = Math.max(1, perSecond);
    this.level = capacity;
    this.last = now;
  }

  /** @return 0 if they were taken; else the nanoseconds after which they can be had, and nothing was taken */
  synchronized long take(int count, long now) {
    fill(now);
    double needed = Math.min(count, capacity);
    if (level < needed) {
      return Math.max(1, (long) Math.ceil((needed - level) / perSecond * 1e9));
    }
    level -= count;
    return 0;
  }

  /** True if nobody has taken anything for so long that a new bucket would be no different. */
  synchronized boolean isFull(long now) {
    fill(now);
    return level >= capacity;
  }

  private void fill(long now) {
    level = Math.min(capacity, level + Math.max(0, now - last) / 1e9 * perSecond);
    last = now;
  }
}
