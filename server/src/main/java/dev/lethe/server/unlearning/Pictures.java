package dev.lethe.server.unlearning;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Pictures of reports that are not kept: in memory alone, for a while, so that whoever has waited for a job can fetch
 * them when it has ended. Any thread.
 */
final class Pictures {

  private static final Duration HELD = Duration.ofMinutes(15);
  private static final long MOST_BYTES = 64L << 20;

  private record Held(byte[] png, long until) {}

  // Oldest first; guarded by this.
  private final Map<String, Held> held = new LinkedHashMap<>();
  private long bytes;

  /** Holds a job's pictures; older ones give way where there are too many. */
  synchronized void hold(String id, byte[] png) {
    forget(id);
    held.put(id, new Held(png, System.nanoTime() + HELD.toNanos()));
    bytes += png.length;
    while (bytes > MOST_BYTES) {
      forget(held.keySet().iterator().next());
    }
  }

  synchronized Optional<byte[]> of(String id) {
    expire();
    return Optional.ofNullable(held.get(id)).map(Held::png);
  }

  /** Lets go of those whose time is over. */
  synchronized void expire() {
    long now = System.nanoTime();
    while (!held.isEmpty()) {
      Map.Entry<String, Held> oldest = held.entrySet().iterator().next();
      if (oldest.getValue().until() - now > 0) {
        return;
      }
      forget(oldest.getKey());
    }
  }

  synchronized void forget(String id) {
    Held gone = held.remove(id);
    bytes -= gone == null ? 0 : gone.png().length;
  }
}
