package dev.lethe.server.lifecycle;

import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
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
    ledger.append(List.of(promotion), Database.Work.NOTHING);
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
  public void record(List<? extends LifeEvent> now) {
    record(now, Database.Work.NOTHING);
  }

  /**
   * The same, and something else with them.
   *
   * @param with as of {@link Ledger#append}
   */
  public synchronized void record(List<? extends LifeEvent> now, Database.Work<?> with) {
    ledger.append(now, with);
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
   *
   * @return whether there was something
   */
  public synchronized boolean follow() {
    Optional<Ledger.Head> now = ledger.head();
    if (now.equals(read)) {
      return false;
    }
    // Most lines of the log are about calls.
    if (!ledger.hasEventsAfter(read)) {
      read = now;
      return false;
    }
    refresh();
    return true;
  }

  /** Reads anew what is written down, by other servers too. Blocks. */
  public synchronized void refresh() {
    Optional<Ledger.Head> head = ledger.head();
    read(ledger.events());
    read = head;
  }

  private void read(List<LifeEvent> all) {
    events = all;
    Set<String> models = new HashSet<>();
    events.forEach(event -> models.add(event.model()));
    Map<String, ModelLife> told = new ConcurrentHashMap<>();
    models.forEach(model -> told.put(model, ModelLife.of(model, events, rules.override())));
    lives = told;
  }
}
