package dev.lethe.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoadTest {

  private static final Executor LATER = CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS);

  @Test
  void clientsWaitForTheirAnswers() throws InterruptedException {
    AtomicInteger open = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Load load = ClosedLoop.run(seed -> {
      most.accumulateAndGet(open.incrementAndGet(), Math::max);
      return CompletableFuture.supplyAsync(() -> {
        open.decrementAndGet();
        return 100;
      }, LATER);
    }, 3, Duration.ofMillis(100));
    assertEquals(3, most.get());
    assertEquals(100, load.bytes());
    assertTrue(load.millis(50) >= 19, "median " + load.millis(50));
    // Three clients at 20 ms or more each.
    assertTrue(load.rate() <= 3 / 0.019, "rate " + load.rate());
  }

  @Test
  void anOpenLoopChargesForCallsThatAreHeldUp() throws InterruptedException {
    // The first call blocks its sender for 100 ms, while those after it come due.
    Load load = OpenLoop.run(seed -> {
      if (seed == 0) {
        pause(100);
      }
      return CompletableFuture.completedFuture(1);
    }, 1000, 50, Duration.ZERO, 1);
    assertEquals(50, load.images());
    assertTrue(load.millis(50) >= 40, "median " + load.millis(50));
  }

  @Test
  void aFailedCallFailsTheMeasurement() {
    Caller failing = seed -> seed == 5 ? CompletableFuture.failedFuture(new IllegalStateException("no image"))
        : CompletableFuture.supplyAsync(() -> 1);
    assertTrue(assertThrows(IllegalStateException.class,
        () -> ClosedLoop.run(failing, 2, Duration.ofSeconds(1))).getMessage().contains("no image"));
    assertTrue(assertThrows(IllegalStateException.class,
        () -> OpenLoop.run(failing, 1000, 100, Duration.ZERO, 1)).getMessage().contains("no image"));
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
