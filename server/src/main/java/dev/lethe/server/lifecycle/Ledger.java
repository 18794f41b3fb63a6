package dev.lethe.server.lifecycle;

import dev.lethe.server.store.Database;
import java.util.List;
import java.util.Optional;

/**
 * Where the lives of versions are written down, beside the versions themselves: a state directory that is emptied takes
 * no erasure back. Blocks: not for event loops.
 */
public interface Ledger {

  /** Appends events, all or none; once it returns, they are on the disk. */
  void append(List<? extends LifeEvent> events);

  /**
   * The same, of what was decided by events that were read.
   *
   * @param seen the last line when they were read; empty of a log without any
   * @param with what else is done first in the same transaction of the database, perhaps several times until one of
   *     them counts; what it throws prevents all of it
   * @throws OutdatedException if there are others by now; then nothing is appended
   */
  void appendAfter(Optional<Head> seen, List<? extends LifeEvent> events, Database.Work<?> with);

  /** What was decided may not hold any more. */
  final class OutdatedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutdatedException() {
      super("something else was written down meanwhile");
    }
  }

  /** Returns once it is certain of all events that were being appended whether they are there. */
  void await();

  /** All events, the oldest first. */
  List<LifeEvent> events();

  /**
   * Whether there are events that were written after a line.
   *
   * @param line empty: any
   */
  boolean hasEventsAfter(Optional<Head> line);

  /**
   * The last line of what it is written in, for certificates: a log that ends before it, or has another line there, was
   * tampered with.
   */
  Optional<Head> head();

  /** Whether a line is in it; not if it was lost since and begun anew, or is a copy from before. */
  boolean has(Head line);

  /** @param hash of the line, and so of all before it */
  record Head(long number, String hash) {}
}
