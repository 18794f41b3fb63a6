package dev.lethe.server.inference;

import java.time.Instant;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/** What a version has done since it was loaded, its warm-up aside. Any thread may write and ask. */
public final class GeneratorStatistics {

  /**
   * @param count of what took time
   * @param nanoseconds that all together took
   */
  public record Total(long count, long nanoseconds) {

    static final Total NONE = new Total(0, 0);

    Total plus(long more, long took) {
      return new Total(count + more, nanoseconds + took);
    }
  }

  /**
   * Runs of synthesis with the same number of images.
   *
   * @param runs counts runs
   * @param encoding counts images
   */
  public record Batches(Total runs, Total encoding) {}

  /**
   * All of it at one moment.
   *
   * @param last when the last request came; empty for none
   * @param succeeded counts requests: up to a batch of images each
   * @param failed counts requests that failed, or that nobody waited for any more
   * @param queue counts images whose synthesis was run, and their wait for mapping and synthesis
   * @param compute counts the same images, and for each the time of the runs that it was in
   * @param encoding counts images that were encoded
   * @param batches by number of images
   */
  public record Snapshot(Optional<Instant> last, Total succeeded, Total failed, Total queue, Total compute,
      Total encoding, NavigableMap<Integer, Batches> batches) {

    /** Runs of synthesis. */
    public long runs() {
      return batches.values().stream().mapToLong(batch -> batch.runs().count()).sum();
    }
  }

  // All guarded by this.
  private Instant last;
  private Total succeeded = Total.NONE;
  private Total failed = Total.NONE;
  private Total queue = Total.NONE;
  private Total compute = Total.NONE;
  private final Map<Integer, Total> runs = new TreeMap<>();
  private final Map<Integer, Total> encodings = new TreeMap<>();

  synchronized void requested() {
    last = Instant.now();
  }

  synchronized void ended(boolean success, long nanoseconds) {
    if (success) {
      succeeded = succeeded.plus(1, nanoseconds);
    } else {
      failed = failed.plus(1, nanoseconds);
    }
  }

  /** @param nanoseconds that the images of a batch have waited for a run, added up */
  synchronized void waited(long nanoseconds) {
    queue = queue.plus(0, nanoseconds);
  }

  synchronized void mapped(int images, long nanoseconds) {
    compute = compute.plus(0, images * nanoseconds);
  }

  synchronized void synthesized(int images, long nanoseconds) {
    queue = queue.plus(images, 0);
    compute = compute.plus(images, images * nanoseconds);
    runs.merge(images, new Total(1, nanoseconds), (a, b) -> a.plus(b.count(), b.nanoseconds()));
  }

  /** @param batch images in the run that made this one */
  synchronized void encoded(int batch, long nanoseconds) {
    encodings.merge(batch, new Total(1, nanoseconds), (a, b) -> a.plus(b.count(), b.nanoseconds()));
  }

  public synchronized Snapshot snapshot() {
    NavigableMap<Integer, Batches> batches = new TreeMap<>();
    runs.forEach((size, total) -> batches.put(size, new Batches(total, encodings.getOrDefault(size, Total.NONE))));
    Total encoding = encodings.values().stream().reduce(Total.NONE, (a, b) -> a.plus(b.count(), b.nanoseconds()));
    return new Snapshot(Optional.ofNullable(last), succeeded, failed, queue, compute, encoding, batches);
  }
}
