package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Waits for what will be, and no longer. */
public final class Until {

  private static final int SECONDS = 180;
  private static final int BETWEEN_MS = 10;
  private static final int SETTLED_LOOKS = 25;

  private Until() {}

  /** Something that is going to be true. */
  public interface Condition {
    boolean holds() throws Exception;
  }

  /** Fails if it is not true within three minutes, which a machine under load may take. */
  public static void holds(Condition condition) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!condition.holds()) {
      if (System.nanoTime() > limit) {
        fail("the condition did not come true in " + SECONDS + " seconds");
      }
      Thread.sleep(BETWEEN_MS);
    }
  }

  /** The value once it has stayed the same for a quarter of a second. */
  public static <T> T settled(Callable<T> value) throws Exception {
    T settled = value.call();
    for (int same = 0; same < SETTLED_LOOKS; same++) {
      Thread.sleep(BETWEEN_MS);
      T now = value.call();
      if (!now.equals(settled)) {
        settled = now;
        same = 0;
      }
    }
    return settled;
  }
}
