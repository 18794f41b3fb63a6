package dev.lethe.server.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of batching, on a pool that runs a task when the test says so. */
@Timeout(20)
class BatcherTest {

  private static final ScheduledExecutorService TIMER = Executors.newSingleThreadScheduledExecutor();

  private final BlockingQueue<Runnable> pool = new LinkedBlockingQueue<>();
  // Batches that were started and whose lane is not free yet.
  private final Deque<Runnable> running = new ArrayDeque<>();
  private final List<List<Piece>> batches = new ArrayList<>();
  private int next;

  private static final class Piece implements Batcher.Work {
    final int number;
    final long submitted = System.nanoTime();
    boolean wanted = true;
    int dropped;

    Piece(int number) {
      this.number = number;
    }

    @Override
    public boolean wanted() {
      return wanted;
    }

    @Override
    public void drop() {
      dropped++;
    }

    @Override
    public long submitted() {
      return submitted;
    }

    @Override
    public String toString() {
      return Integer.toString(number);
    }
  }

  @AfterAll
  @AfterContainer
  static void stop() {
    TIMER.shutdownNow();
  }

  private Batcher<Piece> batcher(int lanes, int maxBatch, Duration delay) {
    // One instance of this class serves all tries of a property.
    pool.clear();
    running.clear();
    batches.clear();
    Batcher.Lane<Piece> lane = (batch, free) -> {
      batches.add(batch);
      running.add(free);
    };
    return new Batcher<>(IntStream.range(0, lanes).mapToObj(i -> lane).toList(), maxBatch, delay, pool::add, TIMER);
  }

  private List<Piece> pieces(int number) {
    return IntStream.range(0, number).mapToObj(i -> new Piece(next++)).toList();
  }

  private void runPool() {
    Runnable task;
    while ((task = pool.poll()) != null) {
      task.run();
    }
  }

  @Property(tries = 300)
  void eachPieceRunsOnceInOrderUnlessItIsUnwanted(@ForAll @IntRange(min = 1, max = 3) int lanes,
      @ForAll @IntRange(min = 1, max = 5) int maxBatch,
      @ForAll @Size(max = 40) List<@IntRange(min = 0, max = 9) Integer> actions) {
    Batcher<Piece> batcher = batcher(lanes, maxBatch, Duration.ZERO);
    List<Piece> submitted = new ArrayList<>();
    for (int action : actions) {
      if (action == 9 && !submitted.isEmpty()) {
        Piece last = submitted.get(submitted.size() - 1);
        last.wanted = batches.stream().anyMatch(batch -> batch.contains(last));
      } else if (action == 8 && !running.isEmpty()) {
        running.poll().run();
      } else if (action == 7 && !pool.isEmpty()) {
        pool.poll().run();
      } else if (action == 6) {
        batcher.purge();
      } else if (action > 0) {
        List<Piece> more = pieces(action);
        submitted.addAll(more);
        if (action == 5) {
          batcher.submitAndRun(more);
        } else {
          batcher.submit(more);
        }
      }
      assertTrue(running.size() + pool.size() <= lanes, "more batches at work than lanes");
    }
    runPool();
    while (!running.isEmpty()) {
      running.poll().run();
      runPool();
    }
    batches.forEach(batch -> assertTrue(!batch.isEmpty() && batch.size() <= maxBatch, batch.toString()));
    assertEquals(submitted.stream().filter(Piece::wanted).map(piece -> piece.number).toList(),
        batches.stream().flatMap(List::stream).map(piece -> piece.number).toList());
    submitted.forEach(piece -> assertEquals(piece.wanted ? 0 : 1, piece.dropped, piece.toString()));
  }

  @Test
  void loneRequestNeverWaits() {
    batcher(2, 8, Duration.ofHours(1)).submit(pieces(1));
    runPool();
    assertEquals(1, batches.size());
  }

  @Test
  void whatComesBeforeTheBatchStartsIsInIt() {
    Batcher<Piece> batcher = batcher(2, 8, Duration.ZERO);
    batcher.submit(pieces(1));
    batcher.submit(pieces(7));
    runPool();
    assertEquals(List.of(8), batches.stream().map(List::size).toList());
  }

  @Test
  void threadThatBringsWorkRunsOneBatchItself() {
    Batcher<Piece> batcher = batcher(2, 4, Duration.ZERO);
    batcher.submitAndRun(pieces(6));
    assertEquals("[[0, 1, 2, 3]]", batches.toString());
    runPool();
    assertEquals("[[0, 1, 2, 3], [4, 5]]", batches.toString());
    batcher.submitAndRun(pieces(1));
    assertEquals(2, batches.size());
  }

  @Test
  void fullBatchStartsBesideAnotherAndPartOfOneWaitsUntilAllLanesAreIdle() {
    Batcher<Piece> batcher = batcher(3, 4, Duration.ofHours(1));
    batcher.submit(pieces(1));
    runPool();
    batcher.submit(pieces(3));
    runPool();
    assertEquals(1, batches.size());
    batcher.submit(pieces(3));
    runPool();
    assertEquals(List.of(1, 4), batches.stream().map(List::size).toList());
    running.poll().run();
    runPool();
    assertEquals(2, batches.size());
    running.poll().run();
    runPool();
    assertEquals(List.of(1, 4, 2), batches.stream().map(List::size).toList());
  }

  @Test
  void partOfABatchStartsAfterTheDelay() throws InterruptedException {
    Batcher<Piece> batcher = batcher(2, 4, Duration.ofMillis(50));
    batcher.submit(pieces(1));
    runPool();
    long submitted = System.nanoTime();
    batcher.submit(pieces(2));
    assertTrue(pool.isEmpty());
    pool.take().run();
    assertTrue(System.nanoTime() - submitted >= TimeUnit.MILLISECONDS.toNanos(45));
    assertEquals(List.of(1, 2), batches.stream().map(List::size).toList());
  }

  @Test
  void purgeDropsWithoutALane() {
    Batcher<Piece> batcher = batcher(1, 1, Duration.ZERO);
    List<Piece> pieces = pieces(3);
    batcher.submit(pieces);
    runPool();
    pieces.get(1).wanted = false;
    assertEquals(0, pieces.get(1).dropped);
    batcher.purge();
    assertEquals(1, pieces.get(1).dropped);
    running.poll().run();
    runPool();
    assertEquals("[[0], [2]]", batches.toString());
    assertFalse(running.isEmpty());
  }
}
