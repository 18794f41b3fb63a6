package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.CanaryTrial.Outcome;
import dev.lethe.server.registry.CanaryTrial.Seen;
import dev.lethe.server.registry.CanaryTrial.Side;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

/** What speaks against a candidate that has served a share of the requests. */
class CanaryTrialTest {

  private static Optional<String> against(Seen tried, Seen serving) {
    return CanaryTrial.compare("v1-u1", tried, serving).against();
  }

  @Test
  void oneThatFailsMoreOftenIsNotPromoted() {
    assertEquals(Optional.of("it fails more often"), against(new Seen(200, 7, .01, .02), new Seen(2000, 40, .01, .02)));
    assertEquals(Optional.of("it fails more often"), against(new Seen(3, 1, .01, .02), new Seen(2000, 0, .01, .02)));
    assertEquals(Optional.empty(), against(new Seen(200, 2, .01, .02), new Seen(2000, 0, .01, .02)));
    assertEquals(Optional.empty(), against(new Seen(200, 20, .01, .02), new Seen(2000, 200, .01, .02)));
  }

  @Test
  void oneThatIsMuchSlowerIsNotPromotedIfThereAreEnoughTimesToTell() {
    assertEquals(Optional.of("it is more than 2 times as slow"),
        against(new Seen(20, 0, .021, .03), new Seen(20, 0, .01, .02)));
    assertEquals(Optional.empty(), against(new Seen(20, 0, .019, .09), new Seen(20, 0, .01, .02)));
    Outcome few = CanaryTrial.compare("v1-u1", new Seen(19, 0, .9, .9), new Seen(500, 0, .01, .02));
    assertEquals(Optional.empty(), few.against());
    assertEquals("version v1-u1: 19 requests, 0 failed, median 900.0 ms, p99 900.0 ms; the version that serves: 500"
        + " requests, 0 failed, median 10.0 ms, p99 20.0 ms; too few to compare times", few.words());
    assertEquals(Optional.empty(), against(new Seen(0, 0, 0, 0), new Seen(0, 0, 0, 0)));
  }

  @Test
  void whatSpeaksAgainstNoVersionIsNotCounted() {
    ServerMetrics metrics = new ServerMetrics();
    Side side = new Side(metrics.canary("tiny", "v1-u1"));
    side.ended(new CancellationException("nobody waits"), 1);
    side.ended(new Exhausted("the queue is full"), 1);
    side.ended(new IllegalStateException("a tensor is broken"), 1);
    for (int i = 1; i <= 10_000; i++) {
      side.ended(null, i / 10_000.0);
    }
    Seen seen = side.seen();
    assertEquals(10_001, seen.calls());
    assertEquals(1, seen.failures());
    // 4,096 of them are kept, by chance.
    assertEquals(0.5, seen.median(), 0.1);
    assertEquals(0.99, seen.p99(), 0.01);
    String text = metrics.text();
    assertTrue(text.contains(
        "lethe_canary_requests_total{model=\"tiny\",version=\"v1-u1\",outcome=\"failed\",} 1.0"), text);
    assertTrue(text.contains("lethe_canary_request_seconds_count{model=\"tiny\",version=\"v1-u1\",} 10000.0"), text);
  }
}
