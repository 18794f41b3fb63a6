package dev.lethe.server.lifecycle;

import java.util.List;

/**
 * Where the lives of versions are written down, beside the versions themselves: a state directory that is emptied takes
 * no erasure back. Blocks: not for event loops.
 */
public interface Ledger {

  /** Appends an event; once it returns, the event is on the disk. */
  void append(LifeEvent event);

  /** All events, the oldest first. */
  List<LifeEvent> events();
}
