package dev.lethe.server.lifecycle;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The lives of all models' versions, as they are written down, and the rules for them. What is asked is answered from
 * memory; what is changed is written first.
 */
public final class Lifecycle {

  private final Ledger ledger;
  private final Rules rules;
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

  /** Where the log stands, for certificates. Blocks. */
  public Optional<Ledger.Head> head() {
    return ledger.head();
  }

  /** Writes an event down; from then on it holds. Blocks. */
  public void record(LifeEvent event) {
    ledger.append(event);
    refresh();
  }

  /**
   * An operator confirms that the versions of these erasures are lost. Those that are not known are not, and no
   * mistake.
   */
  public void waive(Set<String> erasures, String by) {
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
    read = ledger.head();
    List<LifeEvent> events = ledger.events();
    Set<String> models = new HashSet<>();
    events.forEach(event -> models.add(event.model()));
    Map<String, ModelLife> read = new ConcurrentHashMap<>();
    models.forEach(model -> read.put(model, ModelLife.of(model, events)));
    lives = read;
  }
}
