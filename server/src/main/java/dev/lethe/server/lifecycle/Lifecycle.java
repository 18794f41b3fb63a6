package dev.lethe.server.lifecycle;

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
  // Where the log stood, or before that.
  private Optional<Ledger.Head> read = Optional.empty();

  /**
   * What an operator decides.
   *
   * @param override whether a retired version may be activated with a reason
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
    return life != null ? life : ModelLife.of(model, List.of());
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
    try {
      refresh();
    } catch (StoreException e) {
      // They are written all the same, and what others have written is read another time.
      read(Stream.concat(events.stream(), now.stream()).toList());
    }
  }

  /**
   * An operator confirms that the versions of these erasures are lost. Those that are not known are not, and no
   * mistake; but of MODEL/VERSION, whose certificate nobody can verify, nothing is known before.
   */
  public void waive(Set<String> erasures, String by) {
    for (String confirmed : erasures) {
      int slash = confirmed.indexOf('/');
      if (slash > 0 && !of(confirmed.substring(0, slash)).isWaived(confirmed)) {
        record(new LifeEvent.Waived(confirmed.substring(0, slash), confirmed, by, Instant.now()));
      }
    }
    lives.forEach((model, life) -> life.erasures().stream().filter(erasure -> erasures.contains(erasure.id()))
        .forEach(erasure -> record(new LifeEvent.Waived(model, erasure.id(), by, Instant.now()))));
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
    models.forEach(model -> told.put(model, ModelLife.of(model, events)));
    lives = told;
  }
}
