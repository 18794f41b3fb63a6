package dev.lethe.server.lifecycle;

import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.lifecycle.LifeEvent.Activated;
import dev.lethe.server.lifecycle.LifeEvent.Overridden;
import dev.lethe.server.lifecycle.LifeEvent.Promoted;
import dev.lethe.server.lifecycle.LifeEvent.Purged;
import dev.lethe.server.lifecycle.LifeEvent.Retired;
import dev.lethe.server.lifecycle.LifeEvent.Waived;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The life of one model's versions, from its events; does not change. A version lacks an erasure if it is the erasure's
 * version or descends from it; every other version holds it, also one of which nobody knows where it comes from: what
 * was put on disk later may have been trained on what was erased.
 */
public final class ModelLife {

  private final String model;
  private final Map<String, Erasure> erasures = new LinkedHashMap<>();
  private final Set<String> promoted = new HashSet<>();
  // Those that were waived included.
  private final Set<String> known = new HashSet<>();
  private final Map<String, Retired> byHand = new HashMap<>();
  private final Map<String, Purged> purged = new LinkedHashMap<>();
  private final Set<String> waived = new HashSet<>();
  private final Set<String> names = new HashSet<>();
  private final boolean override;
  private Optional<String> overridden = Optional.empty();
  private Optional<String> chosen = Optional.empty();

  private ModelLife(String model, boolean override) {
    this.model = model;
    this.override = override;
  }

  /**
   * @param events of any models, the oldest first
   * @param override whether a retired version may be served by order; if not, no order of before counts either
   */
  public static ModelLife of(String model, List<LifeEvent> events, boolean override) {
    ModelLife life = new ModelLife(model, override);
    events.stream().filter(event -> event.model().equals(model)).forEach(life::apply);
    return life;
  }

  private void apply(LifeEvent event) {
    // An override ends with the next choice.
    if (event instanceof Promoted told) {
      erasures.putIfAbsent(told.erasure().id(), told.erasure());
      known.add(told.erasure().id());
      promoted.add(told.erasure().version());
      names.add(told.erasure().version());
      overridden = Optional.empty();
      chosen = Optional.of(told.erasure().version());
    } else if (event instanceof Activated told) {
      names.add(told.version());
      overridden = Optional.empty();
      chosen = Optional.of(told.version());
    } else if (event instanceof Overridden told) {
      names.add(told.version());
      overridden = Optional.of(told.version()).filter(version -> override);
      chosen = Optional.of(told.version());
    } else if (event instanceof Retired told) {
      names.add(told.version());
      byHand.putIfAbsent(told.version(), told);
    } else if (event instanceof Purged told) {
      names.add(told.version());
      purged.put(told.version(), told);
    } else if (event instanceof Waived told) {
      // Should its version come back, it is to be promoted again.
      Optional.ofNullable(erasures.remove(told.erasure())).ifPresent(lost -> promoted.remove(lost.version()));
      waived.add(told.erasure());
    }
  }

  /** Those that were promoted, the oldest first. */
  public List<Erasure> erasures() {
    return List.copyOf(erasures.values());
  }

  /** Whether an erasure, by its id, was promoted, whatever became of its version. */
  public boolean knows(String erasure) {
    return known.contains(erasure);
  }

  /** Whether an operator has confirmed that an erasure is lost, or a version's certificate, by MODEL/VERSION. */
  public boolean isWaived(String confirmed) {
    return waived.contains(confirmed);
  }

  /** Whether a version that unlearning made has taken requests. */
  public boolean wasPromoted(String version) {
    return promoted.contains(version);
  }

  /** The version that was promoted or activated last; empty if the one of the start serves. */
  public Optional<String> chosen() {
    return chosen;
  }

  /** All versions that anything is told of, those included of which nothing is left. */
  public Set<String> names() {
    return Set.copyOf(names);
  }

  /** Versions whose files were deleted. */
  public Map<String, Purged> purged() {
    return Map.copyOf(purged);
  }

  /** @param parents of the versions that there are, by version; those without a parent may be left out */
  public List<Erasure> lacks(String version, Map<String, String> parents) {
    return erasures.values().stream().filter(erasure -> descends(version, erasure.version(), parents)).toList();
  }

  /** @param parents as of {@link #lacks} */
  public List<Erasure> holds(String version, Map<String, String> parents) {
    return erasures.values().stream().filter(erasure -> !descends(version, erasure.version(), parents)).toList();
  }

  /**
   * Whether a version is another one, or comes from it.
   *
   * @param parents as of {@link #lacks}
   */
  public boolean descends(String version, String ancestor, Map<String, String> parents) {
    // Of a version that was purged, the erasures still tell what it came from.
    Map<String, String> bases = new HashMap<>();
    erasures.values().forEach(erasure -> bases.put(erasure.version(), erasure.base()));
    bases.putAll(parents);
    Set<String> seen = new HashSet<>();
    for (String at = version; at != null && seen.add(at); at = bases.get(at)) {
      if (at.equals(ancestor)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Why nobody is served a version.
   *
   * @param reason a sentence
   * @param since when that began
   * @param purged whether its files are gone
   */
  public record Refusal(String reason, Instant since, boolean purged) {}

  /**
   * Empty if the version may be served; one that was chosen all the same may be, for as long as it is the chosen one.
   */
  public Optional<Refusal> refusal(String version, Map<String, String> parents) {
    Purged gone = purged.get(version);
    if (gone != null && !parents.containsKey(version)) {
      return Optional.of(new Refusal("version " + version + " of " + model + " is purged: its files were deleted on "
          + gone.time() + " by order of " + gone.by(), gone.time(), true));
    }
    return overridden.equals(Optional.of(version)) ? Optional.empty() : retired(version, parents);
  }

  /** The same, whether or not it was chosen all the same. */
  public Optional<Refusal> retired(String version, Map<String, String> parents) {
    List<Erasure> held = holds(version, parents);
    if (!held.isEmpty()) {
      Erasure first = held.get(0);
      List<String> what = new ArrayList<>();
      held.forEach(erasure -> what.add(erasure.what() + ", which erasure " + erasure.id() + " took out (version "
          + erasure.version() + ", " + erasure.promoted() + ")"));
      return Optional.of(new Refusal("version " + version + " of " + model + " is retired: it holds, or may hold, "
          + String.join("; and ", what), first.promoted(), false));
    }
    Retired order = byHand.get(version);
    return order == null ? Optional.empty() : Optional.of(new Refusal("version " + version + " of " + model
        + " is retired by order of " + order.by() + ": " + order.reason(), order.time(), false));
  }
}
