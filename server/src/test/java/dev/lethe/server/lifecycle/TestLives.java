package dev.lethe.server.lifecycle;

import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.store.Database;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/** Lives of versions without a database. */
public final class TestLives {

  private TestLives() {}

  /** Forgets at the end. */
  public static final class MemoryLedger implements Ledger {

    private final List<LifeEvent> events = new CopyOnWriteArrayList<>();

    @Override
    public void append(List<? extends LifeEvent> more) {
      events.addAll(more);
    }

    @Override
    public void appendAfter(Optional<Head> seen, List<? extends LifeEvent> more, Database.Work<?> with) {
      if (with != Database.Work.NOTHING) {
        throw new UnsupportedOperationException("there is no database");
      }
      append(more);
    }

    @Override
    public void await() {}

    @Override
    public List<LifeEvent> events() {
      return List.copyOf(events);
    }

    @Override
    public boolean hasEventsAfter(Optional<Head> line) {
      return !events.isEmpty();
    }

    @Override
    public Optional<Head> head() {
      return events.isEmpty() ? Optional.empty()
          : Optional.of(new Head(events.size(), events.get(events.size() - 1).toString()));
    }

    @Override
    public boolean has(Head line) {
      return line.number() <= events.size() && events.get((int) line.number() - 1).toString().equals(line.hash());
    }
  }

  /**
   * Another one, and what happens once between a decision and its being written down, and right after that.
   *
   * @param meanwhile nothing, once it has happened
   * @param afterwards the same
   */
  public record Interrupted(Ledger of, AtomicReference<Runnable> meanwhile, AtomicReference<Runnable> afterwards)
      implements Ledger {

    @Override
    public void append(List<? extends LifeEvent> events) {
      of.append(events);
    }

    @Override
    public void appendAfter(Optional<Head> seen, List<? extends LifeEvent> events, Database.Work<?> with) {
      meanwhile.getAndSet(() -> { }).run();
      of.appendAfter(seen, events, with);
      afterwards.getAndSet(() -> { }).run();
    }

    @Override
    public void await() {
      of.await();
    }

    @Override
    public List<LifeEvent> events() {
      return of.events();
    }

    @Override
    public boolean hasEventsAfter(Optional<Head> line) {
      return of.hasEventsAfter(line);
    }

    @Override
    public Optional<Head> head() {
      return of.head();
    }

    @Override
    public boolean has(Head line) {
      return of.has(line);
    }
  }

  public static Lifecycle lifecycle() {
    return new Lifecycle(new MemoryLedger(), new Lifecycle.Rules(true, Duration.ZERO));
  }

  public static Signatory signatory(Path root) throws IOException {
    return new Signatory(SigningKey.open(root.resolve("signing.pem")), "lethe test");
  }
}
