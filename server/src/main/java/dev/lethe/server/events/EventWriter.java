package dev.lethe.server.events;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.server.events.EventLog.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes lines for those who cannot wait, as event loops: many in one transaction, in the order in which they came. Of
 * a flood of lines, as a stranger's refused calls can be, those above the queue's length are counted and not kept.
 */
public final class EventWriter implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EventWriter.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int QUEUE = 10_000;
  private static final int TOGETHER = 500;
  private static final long PAUSE_MS = 1000;
  private static final long LAST_TRY_MS = 5000;

  private final EventLog log;
  private final BlockingQueue<Entry> queue = new ArrayBlockingQueue<>(QUEUE);
  private final AtomicLong lost = new AtomicLong();
  private final Thread thread = new Thread(this::run, "lethe-events");
  private volatile boolean closing;

  public EventWriter(EventLog log) {
    this.log = log;
    thread.setDaemon(true);
    thread.start();
  }

  /** Takes a line to be written soon. Never blocks. */
  public void write(Entry entry) {
    if (!queue.offer(entry)) {
      lost.incrementAndGet();
    }
  }

  private void run() {
    List<Entry> batch = new ArrayList<>();
    try {
      while (!closing || !queue.isEmpty() || !batch.isEmpty()) {
        if (batch.isEmpty()) {
          Entry first = queue.poll(PAUSE_MS / 10, TimeUnit.MILLISECONDS);
          if (first == null) {
            continue;
          }
          batch.add(first);
          queue.drainTo(batch, TOGETHER - 1);
          long missing = lost.getAndSet(0);
          if (missing > 0) {
            batch.add(Entry.now("lost", JSON.createObjectNode().put("lines", missing)));
          }
        }
        try {
          log.append(batch);
          batch.clear();
        } catch (RuntimeException e) {
          LOG.error("{} lines are not in the event log yet: {}", batch.size() + queue.size(), e.getMessage());
          Thread.sleep(PAUSE_MS);
        }
      }
    } catch (InterruptedException e) {
      LOG.error("{} lines are not in the event log: it could not be written to before the end", batch.size()
          + queue.size());
    }
  }

  /** Writes what is left. Blocks until that is done, for a few seconds if the database cannot be used. */
  @Override
  public void close() throws InterruptedException {
    closing = true;
    thread.join(LAST_TRY_MS);
    thread.interrupt();
    thread.join(PAUSE_MS);
  }
}
