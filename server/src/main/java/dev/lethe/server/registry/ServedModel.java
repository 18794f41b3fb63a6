package dev.lethe.server.registry;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.inference.GeneratorStatistics;
import dev.lethe.server.lifecycle.ModelLife;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.modelstore.VersionName;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import dev.lethe.v1.VersionState;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.WorkerExecutor;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One model: its active version, hot swap, and the few other versions that clients asked for by name. It may be
 * unloaded: then none of its versions is served until it is loaded again or a version is activated.
 *
 * <p>Everything that loads, switches or closes runs on the loader, one at a time, so that a switch has no rival. Leases
 * are taken on any thread and never wait for a load.
 */
public final class ServedModel {

  private static final Logger LOG = LoggerFactory.getLogger(ServedModel.class);
  /** Versions beside the active one that stay in memory after use. */
  private static final int KEPT_BESIDE_ACTIVE = 2;

  private final String name;
  private final ModelStore store;
  private final VersionLoader versions;
  private final WorkerExecutor loader;
  private final ServerMetrics metrics;
  private final Succession succession;
  private final WrittenChoice choice;
  private final Map<ServedVersion, Promise<Void>> open = new ConcurrentHashMap<>();
  private final Set<String> loading = ConcurrentHashMap.newKeySet();
  // By version, least recently used first; guarded by itself.
  private final Map<String, ServedVersion> besideActive = new LinkedHashMap<>(4, .75f, true);
  // Written on the loader only; null while the model is unloaded.
  private volatile ServedVersion active;
  // The same; null while no candidate is tried.
  private volatile @Nullable CanaryTrial trial;
  private volatile boolean closed;
  // Of the lives, those that are followed here.
  private volatile long followed = -1;

  ServedModel(String name, ModelStore store, Succession succession, VersionLoader versions,
      WorkerExecutor loader, ServerMetrics metrics) {
    this.name = name;
    this.store = store;
    this.succession = succession;
    this.choice = new WrittenChoice(name, store, succession);
    this.versions = versions;
    this.loader = loader;
    this.metrics = metrics;
  }

  /** Loads the active version; on the loader, before anything else. */
  void start() throws IOException {
    serveFirst(System.nanoTime());
  }

  /** Serves what is to be served at the start, or when what serves is retired. */
  private void serveFirst(long ordered) throws IOException {
    Optional<String> stood = choice.read();
    Bundle first = succession.first();
    String version = first.card().version();
    if (!activeVersion().equals(Optional.of(version))) {
      serve(takeKeptOrLoad(first), ordered);
    }
    try {
      // Not over what another server has chosen while the version was loaded.
      if (stood.isPresent() && !stood.get().equals(version) && choice.read().equals(stood)) {
        choice.write(version, stood);
      }
    } catch (IOException e) {
      LOG.warn("{}: {}", name, e.getMessage());
    }
  }

  public String name() {
    return name;
  }

  /** The version that takes new requests; empty while the model is unloaded. */
  public Optional<String> activeVersion() {
    return Optional.ofNullable(active).map(ServedVersion::version);
  }

  /** Why a request for this model fails while it is unloaded. */
  public DomainException unloaded() {
    return new Unavailable("model: " + name + " is unloaded; load it, or activate a version of it");
  }

  /** Versions that answer at once, in natural order, with what each has done since it was loaded. */
  public NavigableMap<String, GeneratorStatistics> ready() {
    NavigableMap<String, GeneratorStatistics> ready = new TreeMap<>(VersionName.NATURAL);
    synchronized (besideActive) {
      besideActive.forEach((version, kept) -> ready.put(version, kept.generator().statistics()));
    }
    ServedVersion serving = active;
    if (serving != null) {
      ready.put(serving.version(), serving.generator().statistics());
    }
    return ready;
  }

  /** What versions do that do more than lie on the disk. */
  public Map<String, VersionState> states() {
    Map<String, VersionState> states = new HashMap<>();
    Set<ServedVersion> kept;
    synchronized (besideActive) {
      kept = Set.copyOf(besideActive.values());
    }
    ServedVersion serving = active;
    open.keySet().stream().filter(version -> version != serving && !kept.contains(version))
        .forEach(version -> states.put(version.version(), VersionState.VERSION_STATE_DRAINING));
    CanaryTrial tried = trial;
    if (tried != null) {
      states.put(tried.candidate().version(), VersionState.VERSION_STATE_CANDIDATE);
    }
    loading.forEach(version -> states.put(version, VersionState.VERSION_STATE_LOADING));
    if (serving != null) {
      states.put(serving.version(), VersionState.VERSION_STATE_ACTIVE);
    }
    return states;
  }

  /**
   * The active version, at once.
   *
   * @throws DomainException Unavailable while the model is unloaded, or the server ends
   */
  public Lease lease() {
    while (!closed) {
      ServedVersion serving = active;
      if (serving == null) {
        throw unloaded();
      }
      Lease lease = serving.lease();
      if (lease != null) {
        return lease;
      }
      // It was switched and drained between the two steps: the field has its successor now.
    }
    throw shuttingDown();
  }

  static DomainException shuttingDown() {
    return new Unavailable("the server is shutting down");
  }

  /**
   * A version by name; the active one if the name is empty, or for a share of the calls the candidate that is tried.
   * Another one is loaded if it is not in memory.
   *
   * @return NotFound if there is no such version, Precondition if it is retired or does not load
   * @throws DomainException Unavailable while the model is unloaded, or the server ends
   */
  public Future<Lease> lease(String version) {
    if (version.isEmpty()) {
      return Future.succeededFuture(leaseShared());
    }
    if (version.equals(activeVersion().orElseThrow(this::unloaded))) {
      return Future.succeededFuture(lease());
    }
    Lease kept = leaseKept(version);
    return kept != null ? Future.succeededFuture(kept) : onLoader(() -> leaseLoaded(version));
  }

  private Lease leaseShared() {
    CanaryTrial tried = trial;
    Lease lease = tried != null && !closed && tried.takes() ? tried.candidate().lease() : null;
    return lease != null ? lease : lease();
  }

  private Lease leaseKept(String version) {
    synchronized (besideActive) {
      ServedVersion kept = besideActive.get(version);
      return kept == null ? null : kept.lease();
    }
  }

  private Lease leaseLoaded(String version) throws IOException {
    if (version.equals(activeVersion().orElseThrow(this::unloaded))) {
      return lease();
    }
    Lease kept = leaseKept(version);
    if (kept != null) {
      return kept;
    }
    ServedVersion loaded = load(succession.servable(version));
    Lease lease = loaded.lease();
    keep(loaded);
    return lease;
  }

  /** Keeps a version in memory beside the active one, until others take its place. */
  private void keep(ServedVersion loaded) {
    synchronized (besideActive) {
      ServedVersion other = besideActive.put(loaded.version(), loaded);
      if (other != null) {
        other.retire();
      }
      Iterator<ServedVersion> oldest = besideActive.values().iterator();
      while (besideActive.size() > KEPT_BESIDE_ACTIVE) {
        ServedVersion evicted = oldest.next();
        oldest.remove();
        evicted.retire();
      }
    }
  }

  /**
   * A version by name, if it may be served: its card is told to clients. Blocks.
   *
   * @throws DomainException NotFound, or Precondition naming the erasure that retired it
   */
  public Bundle servable(String version) throws IOException {
    return succession.servable(version);
  }

  /** Why a version on disk is retired, if it is. Blocks. */
  public Optional<String> retired(String version) throws IOException {
    return succession.retired(version);
  }

  /** What became of the versions. */
  public ModelLife life() {
    return succession.life();
  }

  /** Names that no new version may get: of those that there are, and of all that anything was ever told of. Blocks. */
  public Set<String> taken() throws IOException {
    Set<String> taken = new TreeSet<>(VersionName.NATURAL);
    taken.addAll(store.taken(name));
    taken.addAll(life().names());
    return taken;
  }

  /**
   * The version that another comes from which no unlearning has touched, or the oldest of those.
   *
   * @param versions that are there, by name
   */
  public Bundle root(Bundle version, Map<String, Bundle> versions) {
    return succession.root(version, versions);
  }

  /** Whether a version waits for its promotion. */
  public boolean isCandidate(Bundle version) {
    return succession.isCandidate(version);
  }

  /**
   * Hot swap to a version on disk; an unloaded model is loaded by it.
   *
   * @param by who orders it
   * @param reason why a retired version is to be served all the same; empty for none
   * @return the version that served before, empty for none; NotFound if there is no such version, Precondition
   *     if it is refused, Exhausted or Unavailable if the database cannot write it down
   */
  public Future<Optional<String>> activate(String version, String by, String reason) {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      Optional<String> before = activeVersion();
      Approval approval = new Approval(by, "activated the version", now());
      if (before.equals(Optional.of(version))) {
        if (!succession.isChosen(version)) {
          // By what is written down another one is active, and this order ends that.
          succession.choose(() -> Optional.of(succession.choice(version, reason)), approval, reason,
              Database.Work.NOTHING);
        }
        choice.write(version, before);
        return before;
      }
      switchTo(succession.choice(version, reason).bundle(), () -> Optional.of(succession.choice(version, reason)),
          approval, reason, Database.Work.NOTHING, ordered);
      return before;
    });
  }

  /** @return whether it was chosen */
  private boolean switchTo(Bundle version, Succession.Choosing choosing, Approval approval, String reason,
      Database.Work<?> with, long ordered) throws IOException {
    ServedVersion next = takeKeptOrLoad(version);
    try {
      if (!succession.choose(choosing, approval, reason, with)) {
        return false;
      }
      switchIfLast(next, ordered);
      return true;
    } finally {
      if (active != next) {
        next.retire();
      }
    }
  }

  /** Whether what serves is retired: a promotion is written down, and whoever wrote it did not come to the switch. */
  boolean servesRetired() {
    ServedVersion now = active;
    return now != null && isRetired(now);
  }

  /** It may have taken a while to learn that it was written down, and another server may have gone on from there. */
  private void switchIfLast(ServedVersion chosen, long ordered) throws IOException {
    if (isStillChosen(chosen.version())) {
      switchTo(chosen, ordered);
    } else {
      replaceRetired(ordered);
      closeRetired();
    }
  }

  private boolean isStillChosen(String version) {
    try {
      return succession.isChosen(version);
    } catch (StoreException e) {
      // It is written down, and a promotion serves without the database, too.
      return succession.isChosenAsKnown(version);
    }
  }

  /** Whether a version serves that was ordered, and that the choice on the disk does not tell of yet. */
  boolean isAhead() {
    return choice.ahead().isPresent();
  }

  /** Whether {@link #follow} has something to do. */
  boolean isBehind() {
    return succession.revision() != followed || servesRetired() || isAhead() || succession.isUnsure();
  }

  /**
   * Goes by what is retired by now, by other servers or by this one; what serves in spite of that is replaced. What a
   * disk or a database had no room for is written.
   */
  Future<Void> follow() {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      long revision = succession.revision();
      try {
        replaceRetired(ordered);
      } finally {
        closeRetired();
      }
      choice.retry();
      followed = revision;
      succession.settle();
      return null;
    });
  }

  private void replaceRetired(long ordered) throws IOException {
    if (servesRetired()) {
      serveFirst(ordered);
    }
  }

  /** Serves what another server has promoted, by its certificate, while the database cannot be asked. */
  Future<Void> followCertificate(String version) {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      if (!activeVersion().equals(Optional.of(version))) {
        Optional<Bundle> promoted = succession.byCertificate(version);
        if (promoted.isPresent()) {
          serve(takeKeptOrLoad(promoted.get()), ordered);
          closeRetired();
        }
      }
      return null;
    });
  }

  private static Instant now() {
    return Instant.now().truncatedTo(ChronoUnit.MILLIS);
  }

  /**
   * Retires a version by order: from then on nobody is served it.
   *
   * @return Precondition for the active version, NotFound if there is no such version
   */
  public Future<Void> retire(String version, String by, String reason) {
    return onLoader(() -> {
      if (activeVersion().equals(Optional.of(version))) {
        throw succession.isActive(version);
      }
      succession.retire(version, by, reason);
      closeRetired();
      return null;
    });
  }

  /** Nothing says any more that a version was promoted, unless it was. */
  public Future<Void> withdraw(String version) {
    return onLoader(() -> {
      succession.withdraw(version);
      return null;
    });
  }

  /** Deletes a retired version's files; the names of those that were deleted. Precondition if it is refused. */
  public Future<List<String>> purge(String version, String by) {
    return onLoader(() -> succession.purge(version, by));
  }

  /** Deletes the files of versions whose grace period is over. */
  Future<Void> purgeOverdue() {
    return onLoader(() -> {
      succession.purgeOverdue(Instant.now());
      return null;
    });
  }

  /**
   * Lets a version that waits for its promotion serve a share of the requests that name none, until {@link #endTrial}
   * or until another version is chosen.
   *
   * @return the trial; Precondition if there is one already, or the version is refused or active
   */
  public Future<CanaryTrial> beginTrial(String version, CanaryRules.Rule rule) {
    return onLoader(() -> {
      String serves = activeVersion().orElseThrow(this::unloaded);
      if (trial != null || serves.equals(version)) {
        throw new Precondition("version: " + (trial != null ? trial.candidate().version() + " of " + name
            + " serves a share of the requests already" : version + " is the active version of " + name));
      }
      ServedVersion candidate = takeKeptOrLoad(succession.servable(version));
      CanaryTrial begun = new CanaryTrial(candidate, rule, new CanaryTrial.Side(metrics.canary(name, version)),
          new CanaryTrial.Side(metrics.canary(name, serves)));
      candidate.generator().observe(begun.tried()::ended);
      active.generator().observe(begun.serving()::ended);
      trial = begun;
      LOG.info("{}: version {} serves {} % of the requests, {} the others", name, version, begun.percent(), serves);
      return begun;
    });
  }

  /** The candidate serves no share any more; it stays in memory for its promotion. */
  public Future<Void> endTrial(CanaryTrial ended) {
    return onLoader(() -> {
      if (trial == ended) {
        ServedVersion candidate = letTrialGo("it is over");
        keep(candidate);
      }
      return null;
    });
  }

  /** On the loader; the candidate becomes the caller's to keep or retire. */
  private ServedVersion letTrialGo(String why) {
    CanaryTrial ended = trial;
    trial = null;
    if (active != null) {
      active.generator().observe(null);
    }
    ended.candidate().generator().observe(null);
    LOG.info("{}: version {} serves no share of the requests any more: {}", name, ended.candidate().version(), why);
    return ended.candidate();
  }

  /** The versions are other ones than those that are compared. */
  private void breakTrial(String why) {
    CanaryTrial broken = trial;
    if (broken != null) {
      broken.end(why);
      letTrialGo(why).retire();
    }
  }

  /** Percent of the requests without a version that each version takes which is tried. */
  public Map<String, Double> shares() {
    CanaryTrial tried = trial;
    return tried == null ? Map.of() : Map.of(tried.candidate().version(), tried.percent());
  }

  /** Lets go of versions that may not be served any more; what they have begun ends soon. */
  private void closeRetired() {
    if (trial != null && isRetired(trial.candidate())) {
      breakTrial("it is retired");
    }
    open.keySet().stream().filter(version -> version != active)
        .forEach(version -> refusal(version).ifPresent(refusal -> version.endLeases(refusal.reason())));
    synchronized (besideActive) {
      besideActive.values().removeIf(kept -> {
        boolean gone = isRetired(kept);
        if (gone) {
          kept.retire();
        }
        return gone;
      });
    }
  }

  private boolean isRetired(ServedVersion version) {
    return refusal(version).isPresent();
  }

  private Optional<ModelLife.Refusal> refusal(ServedVersion version) {
    Map<String, String> parents = new HashMap<>();
    parents.put(version.version(), version.generator().card().parentVersion());
    return life().refusal(version.version(), parents);
  }

  /** A version that was kept beside the active one, or is loaded; it becomes the caller's to use or retire. */
  private ServedVersion takeKeptOrLoad(Bundle bundle) throws IOException {
    ServedVersion kept;
    synchronized (besideActive) {
      kept = besideActive.remove(bundle.card().version());
    }
    return kept != null ? kept : load(bundle);
  }

  /**
   * Serves the version that the repository says is to be served: loads an unloaded model, swaps to a version that was
   * put there since the last load, and else does nothing, since a version never changes.
   *
   * @return Precondition if it does not load
   */
  public Future<Void> load() {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      store.requireNewest(name);
      choice.retry();
      Optional<String> ahead = choice.ahead();
      try {
        if (ahead.isEmpty()) {
          serveFirst(ordered);
        } else if (active == null) {
          serve(takeKeptOrLoad(succession.servable(ahead.get())), ordered);
        }
      } finally {
        closeRetired();
      }
      return null;
    });
  }

  /** Takes the model out of service; versions are closed after their last request. Done already: nothing happens. */
  public Future<Void> unload() {
    return onLoader(() -> {
      ServedVersion before = active;
      if (before != null) {
        breakTrial("the model is unloaded");
        active = null;
        retireKept();
        before.retire();
        metrics.deactivated(name, before.version());
        LOG.info("{}: unloaded; version {} served", name, before.version());
      }
      return null;
    });
  }

  private void retireKept() {
    synchronized (besideActive) {
      besideActive.values().forEach(ServedVersion::retire);
      besideActive.clear();
    }
  }

  /**
   * Takes a candidate over: tries it, moves it into the repository and switches to it.
   *
   * @param candidate a finished bundle; its directory is moved
   * @param instead promote only while this version is the active one; null: do not promote. What comes from a version
   *   that
   *     was rolled back to holds what was erased since, and is never promoted by this
   * @return whether it was promoted; Precondition if the candidate is refused, and then nothing was changed;
   *     Unavailable if it is to be promoted and the model is unloaded: {@link #promote} does the rest once it is loaded
   */
  public Future<Boolean> install(Bundle candidate, String instead) {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      ServedVersion loaded = load(candidate);
      boolean promoted = false;
      try {
        Bundle installed = store.install(candidate);
        loaded.generator().movedTo(installed);
        choice.retry();
        if (instead != null) {
          String version = installed.card().version();
          ModelLife began = life();
          promoted = succession.choose(() -> succeeds(version, instead, began), Approval.gates(), "",
              Database.Work.NOTHING);
          if (promoted) {
            switchIfLast(loaded, ordered);
          } else {
            promoted = isPromoted(version, ordered);
          }
        }
        return promoted;
      } finally {
        if (active != loaded) {
          loaded.retire();
        }
      }
    });
  }

  /**
   * Hot swap to a version on disk in place of another, and of no third.
   *
   * @param instead promote only while this version is the active one
   * @param approval who lets it serve
   * @param with done in the transaction that writes the promotion down; what it throws prevents the promotion
   * @return whether the version is promoted now, which it may have been before: then nothing that was chosen since is
   *     undone; NotFound if there is no such version, Precondition if it is refused, Unavailable if the model is
   *     unloaded, which decides nothing about the version
   */
  public Future<Boolean> promote(String version, String instead, Approval approval, Database.Work<?> with) {
    long ordered = System.nanoTime();
    return onLoader(() -> {
      succession.follow();
      choice.retry();
      if (isPromoted(version, ordered)) {
        return true;
      }
      ModelLife began = life();
      Optional<Succession.Choice> successor = succeeds(version, instead, began);
      return successor.isPresent() && switchTo(successor.get().bundle(), () -> succeeds(version, instead, began),
          approval, "", with, ordered) || isPromoted(version, ordered);
    });
  }

  /** Whether a version was promoted, here or by another server; then what is left of that is done. */
  private boolean isPromoted(String version, long ordered) throws IOException {
    if (!life().wasPromoted(version)) {
      return false;
    }
    if (activeVersion().equals(Optional.of(version)) && succession.isChosen(version)) {
      // What kept the choice from being written down may be over.
      choice.write(version, activeVersion());
    } else {
      replaceRetired(ordered);
      closeRetired();
    }
    return true;
  }

  /**
   * A version that is to serve instead of another, and of no third; empty if it is not to any more.
   *
   * @param began the lives when this was begun: what was chosen since is a third, but for versions that this one comes
   *     from and that are promoted before it
   */
  private Optional<Succession.Choice> succeeds(String version, String instead, ModelLife began) throws IOException {
    return !life().wasPromoted(version) && serves(instead) && succession.lacksAll(version)
        && (life().chosen().equals(began.chosen()) || comesFromPromoted(version, began))
        ? Optional.of(succession.choice(version, "")) : Optional.empty();
  }

  private boolean comesFromPromoted(String version, ModelLife began) throws IOException {
    Optional<String> chosen = life().chosen();
    return chosen.isPresent() && !began.wasPromoted(chosen.get()) && life().wasPromoted(chosen.get())
        && succession.descends(version, chosen.get());
  }

  /**
   * Whether a version is the active one, and no other server that shares the folder of state has chosen another since.
   *
   * @throws DomainException Unavailable if none is active
   */
  private boolean serves(String version) throws IOException {
    return activeVersion().orElseThrow(this::unloaded).equals(version) && !choice.isOther(version);
  }

  /**
   * Why a version was not promoted.
   *
   * @param base what it was made from, in place of which it was to serve
   */
  public String notPromoted(String base) {
    Optional<String> other = Stream.of(activeVersion(), life().chosen(), written()).flatMap(Optional::stream)
        .filter(version -> !version.equals(base)).findFirst();
    return activeVersion().isPresent() && other.isEmpty()
        ? "version " + base + ", which it is made from, holds what was erased before, and so does it"
        : other.map(version -> "version " + version).orElse("another version") + " was activated in place of " + base
            + " while the job ran";
  }

  private Optional<String> written() {
    try {
      return choice.read();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /**
   * Switches, whether or not the choice can be written beside the versions: the order is in the log already, and what
   * it retires is served no more.
   */
  private void switchTo(ServedVersion next, long ordered) throws IOException {
    IOException failure = null;
    try {
      // First, so that a restart never serves what this server has replaced.
      choice.write(next.version(), activeVersion());
    } catch (ChoiceNotWrittenException e) {
      failure = e;
    }
    serve(next, ordered);
    closeRetired();
    if (failure != null) {
      throw failure;
    }
  }

  private void serve(ServedVersion next, long ordered) {
    breakTrial("version " + next.version() + " serves");
    ServedVersion before = active;
    active = next;
    choice.serves(next.version());
    if (before == null) {
      metrics.activated(name, next.version());
      LOG.info("{}: version {} serves", name, next.version());
      return;
    }
    before.retire();
    double seconds = (System.nanoTime() - ordered) / 1e9;
    metrics.swapped(name, before.version(), next.version(), seconds);
    LOG.info("{}: version {} serves instead of {}, after {} s", name, next.version(), before.version(),
        "%.3f".formatted(seconds));
  }

  private ServedVersion load(Bundle bundle) throws IOException {
    String version = bundle.card().version();
    loading.add(version);
    try {
      ServedVersion loaded = versions.load(bundle, this::unused);
      open.put(loaded, Promise.promise());
      return loaded;
    } finally {
      loading.remove(version);
    }
  }

  private void unused(ServedVersion version) {
    // Whoever let go last may be an event loop, and closing sessions takes its time.
    loader.executeBlocking(() -> {
      version.generator().close();
      metrics.versionClosed(name);
      LOG.info("{}: version {} is closed", name, version.version());
      open.remove(version).complete();
      return null;
    }, false);
  }

  private <T> Future<T> onLoader(Callable<T> work) {
    return loader.executeBlocking(() -> {
      if (closed) {
        throw shuttingDown();
      }
      try {
        return work.call();
      } catch (StoreException e) {
        throw e.error();
      } catch (IOException e) {
        throw new Precondition(e.getMessage(), e);
      }
    }, false);
  }

  /**
   * Gives everything up; completes once the last lease has ended and all sessions are closed, those of versions that
   * were being loaded included. Orders that come later are refused.
   */
  Future<Void> close() {
    return loader.executeBlocking(() -> {
      closed = true;
      breakTrial("the server ends");
      if (active != null) {
        active.retire();
      }
      retireKept();
      return open.values().stream().map(Promise::future).toList();
    }, false).compose(Future::all).mapEmpty();
  }
}
