package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class TokenBucketTest {

  private static final long SECOND = 1_000_000_000;

  @Test
  void letsABurstOfOneSecondThroughAndThenTheRate() {
    TokenBucket bucket = new TokenBucket(4, 0);
    for (int i = 0; i < 4; i++) {
      assertEquals(0, bucket.take(1, 0));
    }
    assertEquals(SECOND / 4, bucket.take(1, 0));
    assertEquals(0, bucket.take(1, SECOND / 4));
    assertEquals(SECOND / 4, bucket.take(1, SECOND / 4));
    assertFalse(bucket.isFull(SECOND));
    assertTrue(bucket.isFull(2 * SECOND));
    // Idle time beyond a second is not saved up.
    assertEquals(0, bucket.take(4, 100 * SECOND));
    assertEquals(SECOND / 4, bucket.take(1, 100 * SECOND));
  }

  @Test
  void moreThanItHoldsIsPaidForAfterwards() {
    TokenBucket bucket = new TokenBucket(10, 0);
    assertEquals(0, bucket.take(30, 0));
    assertEquals(2.1 * SECOND, bucket.take(1, 0), 1);
    assertEquals(0, bucket.take(1, (long) (2.1 * SECOND) + 1));
    assertEquals(SECOND, bucket.take(30, (long) (2.1 * SECOND) + 1), 2);
  }

  @Test
  void lessThanOneASecondIsOneNowAndThen() {
    TokenBucket bucket = new TokenBucket(0.5, 0);
    assertEquals(0, bucket.take(1, 0));
    assertEquals(2 * SECOND, bucket.take(1, 0));
    assertEquals(0, bucket.take(1, 2 * SECOND));
  }
}
