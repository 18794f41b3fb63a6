package dev.lethe.server.lifecycle;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The lives of all models' versions, as they are written down, and the rules for them. What is asked is answered from
 * memory; what is changed is written first.
 */
public final class Lifecycle {

  /** As often something is decided that others come before. */
  private static final int DECISIONS = 10;

  private final Ledger ledger;
  private final Rules rules;
  // As they were read last; guarded by this object's lock.
  private List<LifeEvent> events = List.of();
  // By model; replaced as a whole when something changes.
  private volatile Map<String, ModelLife> lives = Map.of();
  // Lost by what an operator has said at this start, heeded where it is needed.
  private Set<String> confirmed = Set.of();
  private String confirmedBy = "";
  // Where the log stood, or before that.
  private Optional<Ledger.Head> read = Optional.empty();
  // Written under the lock, after the lives.
  private volatile long revision;

  /**
   * What an operator decides.
   *
   * @param override whether a retired version may be activated with a reason, and one that was goes on serving
   * @param grace after which a retired version's files are deleted; zero: only by order
   */
  public record Rules(boolean override, Duration grace) {}

  /** Reads what is written down. Blocks. */
  public Lifecycle(Ledger ledger, Rules rules) {
    this.ledger = ledger;
    this.rules = rules;
    refresh();
  }

  public Rules rules() {
    return rules;
  }

  /** Whether anything is written down. */
  public boolean isEmpty() {
    return lives.isEmpty();
  }

  public ModelLife of(String model) {
    ModelLife life = lives.get(model);
    return life != null ? life : ModelLife.of(model, List.of(), rules.override());
  }

  /** Writes down that a version is being promoted. Blocks. */
  Optional<Ledger.Head> announce(LifeEvent.Certified promotion) {
    ledger.append(List.of(promotion));
    return ledger.head();
  }

  /**
   * Whether a certificate is of a promotion that has not come to its end: the log has what was written before it, and
   * no promotion after that. Of a log that is lost nothing can be said. Blocks.
   */
  public boolean isUnfinished(Certificate certificate) {
    return !of(certificate.erasure().model()).knows(certificate.erasure().id())
        && certificate.log().filter(ledger::has).isPresent();
  }

  /** Writes an event down; from then on it holds. Blocks. */
  public void record(LifeEvent event) {
    record(List.of(event));
  }

  /** Writes events down, all or none; from then on they hold. Blocks. */
  public synchronized void record(List<? extends LifeEvent> now) {
    ledger.append(now);
    took(now);
  }

  /** What is to be written down, by the lives as they are now. */
  public interface Decision {

    /** @return nothing, if nothing is to be written down any more */
    List<? extends LifeEvent> make() throws IOException;
  }

  /**
   * Writes down what is decided, all or nothing, if nothing else was written down of any version since, by this server
   * or another; else it is decided anew. Blocks.
   *
   * @param with as of {@link Ledger#appendAfter}; not carried out if nothing is to be written down
   * @throws StoreException if the database cannot be used
   * @throws DomainException Unavailable if something else came between again and again
   */
  public void record(Decision decision, Database.Work<?> with) throws IOException {
    for (int attempt = 1; ; attempt++) {
      // Before the lives that are decided by: these are as new, or newer.
      Optional<Ledger.Head> seen = refreshed();
      List<? extends LifeEvent> now = decision.make();
      if (now.isEmpty()) {
        return;
      }
      try {
        append(seen, now, with);
        return;
      } catch (Ledger.OutdatedException e) {
        if (attempt == DECISIONS) {
          throw new Unavailable("versions of the models are promoted, activated or retired all the time; try again", e);
        }
      }
    }
  }

  private synchronized Optional<Ledger.Head> refreshed() {
    refresh();
    return read;
  }

  private synchronized void append(Optional<Ledger.Head> seen, List<? extends LifeEvent> now, Database.Work<?> with) {
    ledger.appendAfter(seen, now, with);
    took(now);
  }

  private void took(List<? extends LifeEvent> now) {
    try {
      refresh();
    } catch (StoreException e) {
      // They are written all the same, and what others have written is read another time.
      read(Stream.concat(events.stream(), now.stream()).toList());
    }
  }

  /**
   * An operator confirms that the versions of these erasures are lost, or certificates of MODEL/VERSION. That holds for
   * those only without which a model cannot be served: what is not lost is not given up.
   */
  public synchronized void confirmLost(Set<String> erasures, String by) {
    confirmed = Set.copyOf(erasures);
    confirmedBy = by;
  }

  /**
   * Gives up those of the erasures, or of MODEL/VERSION, that are confirmed to be lost. Blocks.
   *
   * @return whether there is one
   */
  public synchronized boolean waive(String model, List<String> lost) {
    List<LifeEvent.Waived> waived = lost.stream().filter(confirmed::contains)
        .map(id -> new LifeEvent.Waived(model, id, confirmedBy, Instant.now())).toList();
    if (!waived.isEmpty()) {
      record(waived);
    }
    return !waived.isEmpty();
  }

  /**
   * Takes events for written down until it is read anew: the certificates tell of them, and the log is out of reach.
   */
  public synchronized void assume(List<? extends LifeEvent> told) {
    read(Stream.concat(events.stream(), told.stream()).toList());
  }

  /**
   * Reads anew what is written down, if that is more than when it was last read. Blocks for a moment.
   */
  public synchronized void follow() {
    Optional<Ledger.Head> now = ledger.head();
    if (now.equals(read)) {
      return;
    }
    // Most lines of the log are about calls.
    if (ledger.hasEventsAfter(read)) {
      refresh();
    } else {
      read = now;
    }
  }

  /** Greater whenever the lives were read anew: who has seen this has nothing to follow. */
  public long revision() {
    return revision;
  }

  /** Reads anew what is written down, by other servers too. Blocks. */
  public synchronized void refresh() {
    Optional<Ledger.Head> head = ledger.head();
    read(ledger.events());
    read = head;
  }

  /** The same, once it is certain what was being written down. */
  public void settle() {
    ledger.await();
    refresh();
  }

  private void read(List<LifeEvent> all) {
    events = all;
    Set<String> models = new HashSet<>();
    events.forEach(event -> models.add(event.model()));
    Map<String, ModelLife> told = new ConcurrentHashMap<>();
    models.forEach(model -> told.put(model, ModelLife.of(model, events, rules.override())));
    lives = told;
    revision++;
  }
}
