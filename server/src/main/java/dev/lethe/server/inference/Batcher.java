package dev.lethe.server.inference;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Gathers work into batches, first come, first served, and gives each batch to a free lane.
 *
 * <p>A batch is put together at the last moment, on the thread that runs it: what came meanwhile is in it, and what
 * nobody wants any more is not. It starts
 * <ul>
 *   <li>at once, if no lane is at work: a lone request never waits;
 *   <li>at once, if a lane is free and the batch is full;
 *   <li>else, while others are at work, when the oldest of it has waited for the delay.
 * </ul>
 *
 * @param <W> a piece of work
 */
final class Batcher<W extends Batcher.Work> {

  /** What a batch is made of. */
  interface Work {

    /** False once nobody waits for it. Asked just before it would run. */
    boolean wanted();

    /** It will not run. */
    void drop();

    /** {@link System#nanoTime} of when it was submitted here. */
    long submitted();
  }

  /** Runs batches, one at a time. */
  interface Lane<W> {

    /**
     * @param batch not empty
     * @param free to be run once, on any thread, as soon as the lane can take the next batch; a failure is the lane's
     *     to tell those who wait for the work, and frees it too
     */
    void run(List<W> batch, Runnable free);
  }

  private final int maxBatch;
  private final long maxDelayNanos;
  private final Executor pool;
  private final ScheduledExecutorService timer;

  // All guarded by this.
  private final Deque<W> queue = new ArrayDeque<>();
  private final Deque<Lane<W>> free = new ArrayDeque<>();
  private final int lanes;
  // Lanes that were sent off and have not taken their batch yet.
  private int starting;
  private boolean timerSet;

  /**
   * @param pool runs batches
   * @param timer ends the wait of a batch that did not become full
   */
  Batcher(List<? extends Lane<W>> lanes, int maxBatch, Duration maxDelay, Executor pool,
      ScheduledExecutorService timer) {
    this.lanes = lanes.size();
    this.free.addAll(lanes);
    this.maxBatch = maxBatch;
    this.maxDelayNanos = maxDelay.toNanos();
    this.pool = pool;
    this.timer = timer;
  }

  /** Any thread may call it; it never waits for a lane. */
  void submit(Collection<? extends W> work) {
    synchronized (this) {
      queue.addAll(work);
    }
    dispatch();
  }

  /**
   * The same, on a thread of the pool that has nothing else to do: it runs a batch itself if one is due, and no other
   * thread has to wake up for it.
   */
  void submitAndRun(Collection<? extends W> work) {
    synchronized (this) {
      queue.addAll(work);
    }
    Lane<W> own = nextLane();
    if (own != null) {
      dispatch();
      run(own);
    }
  }

  /** Drops what nobody wants any more without waiting for its turn. */
  void purge() {
    List<W> unwanted = new ArrayList<>();
    synchronized (this) {
      queue.removeIf(work -> !work.wanted() && unwanted.add(work));
    }
    unwanted.forEach(Work::drop);
  }

  private void dispatch() {
    Lane<W> lane;
    while ((lane = nextLane()) != null) {
      Lane<W> ready = lane;
      pool.execute(() -> run(ready));
    }
  }

  /** A lane to send off; null if there is none, or nothing for it to do yet. */
  private synchronized Lane<W> nextLane() {
    // Lanes on their way take this much of the queue with them.
    int left = queue.size() - starting * maxBatch;
    if (left <= 0 || free.isEmpty()) {
      return null;
    }
    if (left < maxBatch && free.size() < lanes) {
      long wait = maxDelayNanos - (System.nanoTime() - queue.peek().submitted());
      if (wait > 0) {
        wakeIn(wait);
        return null;
      }
    }
    starting++;
    return free.pop();
  }

  private void wakeIn(long nanos) {
    if (!timerSet) {
      timerSet = true;
      timer.schedule(() -> {
        synchronized (this) {
          timerSet = false;
        }
        dispatch();
      }, nanos, TimeUnit.NANOSECONDS);
    }
  }

  private void run(Lane<W> lane) {
    List<W> batch = new ArrayList<>(maxBatch);
    List<W> unwanted = new ArrayList<>();
    synchronized (this) {
      starting--;
      W next;
      while (batch.size() < maxBatch && (next = queue.poll()) != null) {
        (next.wanted() ? batch : unwanted).add(next);
      }
    }
    unwanted.forEach(Work::drop);
    if (batch.isEmpty()) {
      freed(lane);
    } else {
      lane.run(batch, () -> freed(lane));
    }
  }

  private void freed(Lane<W> lane) {
    synchronized (this) {
      free.push(lane);
    }
    dispatch();
  }
}
