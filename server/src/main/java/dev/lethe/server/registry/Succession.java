package dev.lethe.server.registry;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.lifecycle.Certificate;
import dev.lethe.server.lifecycle.LifeEvent;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.lifecycle.ModelLife;
import dev.lethe.server.lifecycle.ModelLife.Refusal;
import dev.lethe.server.lifecycle.Signatory;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.ProvenanceException;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of one model's versions may be served, and what is done when another one is: it is signed, certified if it
 * comes from unlearning, and written down, before it takes requests. Blocks: not for event loops.
 */
final class Succession {

  private static final Logger LOG = LoggerFactory.getLogger(Succession.class);
  /** Who, where nobody has ordered it. */
  private static final String SERVER = "server";

  private final String model;
  private final ModelStore store;
  private final Lifecycle lifecycle;
  private final Signatory signatory;
  // Versions of whose promotion nobody knows whether it was written down.
  private final Set<String> unsure = ConcurrentHashMap.newKeySet();

  Succession(String model, ModelStore store, Lifecycle lifecycle, Signatory signatory) {
    this.model = model;
    this.store = store;
    this.lifecycle = lifecycle;
    this.signatory = signatory;
  }

  ModelLife life() {
    return lifecycle.of(model);
  }

  /** Takes notice of what others have written down. */
  void follow() {
    lifecycle.follow();
  }

  /** Whether a version is the one that was chosen last, as far as that is written down. */
  boolean isChosen(String version) {
    lifecycle.follow();
    return isChosenAsKnown(version);
  }

  /** The same by what is known already. */
  boolean isChosenAsKnown(String version) {
    return life().chosen().map(version::equals).orElse(true);
  }

  /** Of the lives; greater when they were read anew. */
  long revision() {
    return lifecycle.revision();
  }

  /** Whether {@link #settle} has something to do. */
  boolean isUnsure() {
    return !unsure.isEmpty();
  }

  /** The parents that cards tell of. */
  static Map<String, String> parents(Collection<Bundle> versions) {
    Map<String, String> parents = new HashMap<>();
    versions.forEach(version -> parents.put(version.card().version(), version.card().parentVersion()));
    return parents;
  }

  /**
   * The version that another comes from which no unlearning has touched, or the oldest of those that are there:
   * versions in between may have been purged.
   */
  Bundle root(Bundle version, Map<String, Bundle> versions) {
    Map<String, String> parents = parents(versions.values());
    ModelLife life = life();
    List<String> line = versions.keySet().stream()
        .filter(ancestor -> life.descends(version.card().version(), ancestor, parents)).toList();
    return line.stream().filter(ancestor -> line.stream().noneMatch(
        older -> !older.equals(ancestor) && life.descends(ancestor, older, parents))).findFirst().map(versions::get)
            .orElse(version);
  }

  /** Whether a version waits for its promotion: unlearning made it here, and it has taken no requests. */
  boolean isCandidate(Bundle version) {
    return version.card().unlearned() && store.isOwn(version)
        && !life().wasPromoted(version.card().version());
  }

  /**
   * A version by name, if it may be served.
   *
   * @throws DomainException NotFound, or Precondition naming the erasure that retired it
   */
  Bundle servable(String version) throws IOException {
    NavigableMap<String, Bundle> versions = store.versions(model);
    refusal(version, versions).ifPresent(refusal -> {
      throw refused(refusal.reason());
    });
    return find(version, versions);
  }

  /** Why a version on disk is retired, if it is. */
  Optional<String> retired(String version) throws IOException {
    return refusal(version, store.versions(model)).map(Refusal::reason);
  }

  private Optional<Refusal> refusal(String version, NavigableMap<String, Bundle> versions) {
    // Of a version that never was, nothing is told but that.
    return versions.containsKey(version) || life().purged().containsKey(version)
        ? life().refusal(version, parents(versions.values())) : Optional.empty();
  }

  private Bundle find(String version, NavigableMap<String, Bundle> versions) {
    Bundle bundle = versions.get(version);
    if (bundle == null) {
      throw new NotFound("version: model " + model + " has no version "
          + ClassLabels.abbreviate(version) + "; there are " + versions.keySet());
    }
    return bundle;
  }

  private static DomainException refused(String reason) {
    return new Precondition("version: " + reason);
  }

  /**
   * Whether a version may be chosen.
   *
   * @param reason why a retired one is to be chosen all the same; empty for none
   * @return the version, and why it is retired if it is
   * @throws DomainException NotFound, or Precondition if it is retired and stays so
   */
  Choice choice(String version, String reason) throws IOException {
    // Another server may have retired it just now.
    lifecycle.follow();
    NavigableMap<String, Bundle> versions = store.versions(model);
    Map<String, String> parents = parents(versions.values());
    Optional<Refusal> retired = versions.containsKey(version) || life().purged().containsKey(version)
        ? life().retired(version, parents) : Optional.empty();
    refusal(version, versions).filter(Refusal::purged).ifPresent(purged -> {
      throw refused(purged.reason());
    });
    Bundle bundle = find(version, versions);
    if (retired.isPresent() && !lifecycle.rules().override()) {
      throw refused(retired.get().reason() + "; this server serves no retired version, whatever the reason"
          + " (rollback-to-retired)");
    }
    if (retired.isPresent() && reason.isEmpty()) {
      throw refused(retired.get().reason() + ". To serve it all the same, give a reason, which is recorded"
          + " (override_reason; --override-reason)");
    }
    return new Choice(bundle, retired);
  }

  /** @param retired why it is retired, and was chosen all the same */
  record Choice(Bundle bundle, Optional<Refusal> retired) {}

  /** Whether a version comes from another one, by what their cards tell. */
  boolean descends(String version, String ancestor) throws IOException {
    return life().descends(version, ancestor, parents(store.versions(model).values()));
  }

  /** Whether a version lacks all that was erased: what comes from a version that was rolled back to does not. */
  boolean lacksAll(String version) throws IOException {
    NavigableMap<String, Bundle> versions = store.versions(model);
    return life().holds(version, parents(versions.values())).isEmpty();
  }

  /** What is to serve, by the lives as they are now; made anew whenever these change on the way. */
  interface Choosing {

    /**
     * @return empty if nothing is to be changed any more
     * @throws DomainException if something speaks against it
     */
    Optional<Choice> choose() throws IOException;
  }

  /**
   * Signs and writes down that a version takes requests from now on; those that hold what it lacks are retired by it.
   * Versions before it that were never promoted are promoted with it, the oldest first.
   *
   * @param with done in the transaction that writes it down; what it throws prevents that
   * @return whether it was chosen
   */
  boolean choose(Choosing choosing, Approval approval, String reason, Database.Work<?> with) throws IOException {
    // An attempt of which nobody knows how it ended may have come to its end.
    lifecycle.refresh();
    Optional<Choice> choice = choosing.choose();
    if (choice.isEmpty()) {
      return false;
    }
    Bundle version = choice.get().bundle();
    for (Bundle before : unpromotedBefore(version)) {
      promote(before, approval, () -> choosing.choose().isEmpty() || life().wasPromoted(before.card().version())
          ? List.of() : promotion(before, approval), Database.Work.NOTHING);
    }
    AtomicBoolean chosen = new AtomicBoolean();
    promote(version, approval, () -> {
      Optional<Choice> now = choosing.choose();
      chosen.set(now.isPresent());
      return now.isEmpty() ? List.of() : order(now.get(), approval, reason);
    }, with);
    return chosen.get();
  }

  /** Those that a version comes from and that were never promoted, as it was not, the oldest first. */
  private List<Bundle> unpromotedBefore(Bundle version) throws IOException {
    NavigableMap<String, Bundle> versions = store.versions(model);
    LinkedList<Bundle> before = new LinkedList<>();
    Set<String> seen = new HashSet<>();
    for (Bundle at = version; at != null && isUnpromoted(at) && seen.add(at.card().version());
        at = versions.get(at.card().parentVersion())) {
      before.addFirst(at);
    }
    before.pollLast();
    return before;
  }

  private boolean isUnpromoted(Bundle version) {
    return version.card().parentVersion() != null && !life().wasPromoted(version.card().version());
  }

  /** What is written down of a choice, in one transaction: there is no promotion without its override. */
  private List<LifeEvent> order(Choice choice, Approval approval, String reason) throws IOException {
    Bundle version = choice.bundle();
    String name = version.card().version();
    List<LifeEvent> events = new ArrayList<>();
    // What a version was made to erase is erased once it serves, however it came to that.
    if (isUnpromoted(version)) {
      events.addAll(promotion(version, approval));
    } else {
      signatory.sign(version, store);
    }
    if (choice.retired().isPresent()) {
      LOG.warn("{}: {}. It is served all the same by order of {}: {}", model, choice.retired().get().reason(),
          approval.by(), reason);
      events.add(new LifeEvent.Overridden(model, name, approval.by(), reason, approval.time()));
    } else if (events.isEmpty()) {
      events.add(new LifeEvent.Activated(model, name, approval.by(), approval.time()));
    }
    return events;
  }

  /** Certifies and signs a version that unlearning made. */
  private List<LifeEvent> promotion(Bundle version, Approval approval) throws IOException {
    Optional<Bundle> parent = Optional.ofNullable(store.versions(model).get(version.card().parentVersion()));
    List<Erasure> erasures = store.isOwn(version) ? signatory.certify(version, parent, store, approval, lifecycle)
        : List.of(Signatory.uncertified(version.card(), approval.time()));
    signatory.sign(version, store);
    return erasures.stream().map(erasure -> (LifeEvent) new LifeEvent.Promoted(erasure, approval.by(), approval.time()))
        .toList();
  }

  private void promote(Bundle version, Approval approval, Lifecycle.Decision decision, Database.Work<?> with)
      throws IOException {
    boolean begun = isUnpromoted(version);
    try {
      lifecycle.record(decision, with);
    } catch (IOException | RuntimeException e) {
      if (!begun || !isWritten(version, e)) {
        throw e;
      }
    }
    if (begun && isUnpromoted(version)) {
      // It was certified, and then another one came before it.
      withdraw(version.card().version());
    } else if (begun && store.isOwn(version) && signatory.lacksCertificate(store.files(version))) {
      // Another server took it for one that had failed.
      promotion(version, approval);
    }
  }

  /**
   * Takes the certificate and the signature of a version away that was to be promoted, and was not. Whether it was is
   * read anew.
   */
  void withdraw(String version) throws IOException {
    lifecycle.settle();
    Bundle bundle = store.versions(model).get(version);
    if (bundle == null || !store.isOwn(bundle) || life().wasPromoted(version)) {
      return;
    }
    VersionFiles files = store.files(bundle);
    try {
      if (signatory.certified(files).stream().anyMatch(lifecycle::isUnfinished)) {
        Map<String, byte[]> withdrawn = signatory.withdraw(files);
        boolean promoted = true;
        try {
          lifecycle.refresh();
          promoted = life().wasPromoted(version);
        } finally {
          if (promoted) {
            // Another server was just about to; or that cannot be known.
            signatory.restore(files, withdrawn);
          }
        }
      }
    } catch (ProvenanceException e) {
      LOG.debug("{}: a certificate of another stays: {}", model, e.getMessage());
    }
  }

  /**
   * Whether a promotion is written down, though that seemed to fail; if not, it leaves nothing behind, but where the
   * database may still do it: then {@link #settle} finds out.
   */
  private boolean isWritten(Bundle version, Exception failure) {
    try {
      if (failure instanceof StoreException store && store.reason() == StoreException.Reason.UNAVAILABLE) {
        unsure.add(version.card().version());
        lifecycle.refresh();
      } else {
        withdraw(version.card().version());
      }
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
    return life().wasPromoted(version.card().version());
  }

  /** Takes the certificates away of promotions that were not written down; later, if that cannot be known yet. */
  void settle() {
    for (String version : List.copyOf(unsure)) {
      try {
        withdraw(version);
        unsure.remove(version);
      } catch (IOException | StoreException e) {
        LOG.debug("{}: whether version {} was promoted is not known yet", model, version, e);
      }
    }
  }

  /** Whether a version was chosen after another one, by whichever server, and may still be served. */
  boolean isSuperseded(String version) throws IOException {
    NavigableMap<String, Bundle> versions = store.versions(model);
    return life().chosen().filter(other -> !other.equals(version) && versions.containsKey(other)
        && refusal(other, versions).isEmpty()).isPresent();
  }

  /**
   * The version to serve at the start: the one that was chosen if it may be served, else the newest that may be. A
   * choice of a retired version that nobody has overridden is from before an erasure.
   *
   * @throws IOException if there is none that lacks all that was erased, with what to do
   */
  Bundle first() throws IOException {
    // Another server may have promoted what is to be served now.
    lifecycle.refresh();
    adopt();
    NavigableMap<String, Bundle> versions = store.versions(model);
    Optional<Bundle> first = first(versions);
    if (first.isEmpty() && lifecycle.waive(model, missing(versions).stream().map(Erasure::id).toList())) {
      first = first(versions);
    }
    return first.orElseThrow(() -> versions.isEmpty() ? new IOException("model " + model + " has no version in "
        + store) : lost(versions));
  }

  private Optional<Bundle> first(NavigableMap<String, Bundle> versions) throws IOException {
    Map<String, String> parents = parents(versions.values());
    ModelLife life = life();
    Optional<String> chosen = store.chosen(model);
    if (chosen.isPresent()) {
      Bundle bundle = versions.get(chosen.get());
      if (bundle == null && life.erasures().isEmpty()) {
        throw new IOException("version " + chosen.get() + " of " + model + " is to be served, and is not there; there"
            + " are "
            + versions.keySet() + ". Put it back, or delete the file \"active\" in the model's folder");
      }
      if (bundle != null && life.refusal(chosen.get(), parents).isEmpty()) {
        adopt(bundle);
        return Optional.of(bundle);
      }
    }
    // That all else is lost does not let a candidate serve.
    Optional<Bundle> newest = versions.descendingMap().values().stream()
        .filter(bundle -> life.refusal(bundle.card().version(), parents).isEmpty() && !isCandidate(bundle)).findFirst();
    if (newest.isPresent() && chosen.isPresent()) {
      LOG.warn("{}: version {} was chosen, and holds what was erased since, or is gone; version {} is served", model,
          chosen.get(), newest.get().card().version());
    }
    if (newest.isPresent()) {
      adopt(newest.get());
    }
    return newest;
  }

  /** What no version lacks that is there; where each erasure has one that does, and none lacks all, all of them. */
  private List<Erasure> missing(NavigableMap<String, Bundle> versions) {
    Map<String, String> parents = parents(versions.values());
    List<Erasure> erasures = life().erasures();
    List<Erasure> missing = erasures.stream().filter(erasure -> versions.values().stream()
        .filter(bundle -> !isCandidate(bundle))
        .noneMatch(bundle -> life().lacks(bundle.card().version(), parents).contains(erasure))).toList();
    return missing.isEmpty() ? erasures : missing;
  }

  private IOException lost(NavigableMap<String, Bundle> versions) {
    StringBuilder what = new StringBuilder();
    List<Erasure> missing = missing(versions);
    if (missing.isEmpty()) {
      return new IOException("model " + model + ": of its versions " + versions.keySet() + " none may serve: each was"
          + " made by unlearning and never promoted, or is retired by order. Put back what they were made from; or"
          + " write the name of one that is not retired into the file \"active\" in the model's folder of the state"
          + " directory, which promotes it; or delete that folder, if the model is given up");
    }
    List<String> ids = missing.stream().map(Erasure::id).toList();
    missing.forEach(erasure -> what.append(what.isEmpty() ? "" : "; ").append(erasure.what())
        .append(" (erasure ").append(erasure.id()).append(", version ").append(erasure.version()).append(", ")
        .append(erasure.promoted()).append(')'));
    return new IOException("model " + model + ": no version that is there lacks what was erased: " + what + ". There"
        + " are "
        + versions.keySet() + ". Was the state directory emptied or replaced? Restore the folders of the versions"
        + " named, or confirm that these are lost, and that what was erased is served again, with"
        + " --confirm-lost-erasures "
        + String.join(",", ids) + ", which is recorded");
  }

  /**
   * Takes over what certificates tell that is not written down: of a ledger that is lost, they are what is left. One
   * that is not lost knows better: what it does not tell of was certified, and never promoted.
   *
   * @throws IOException if a certificate says nothing, and nothing else does
   */
  private void adopt() throws IOException {
    for (Bundle bundle : store.versions(model).values()) {
      try {
        for (Certificate certificate : signatory.certified(store.files(bundle))) {
          Erasure certified = certificate.erasure();
          if (lifecycle.isUnfinished(certificate)) {
            LOG.warn("{}: erasure {} is certified in {}, and was not promoted", model, certified.id(),
                store.files(bundle).locate(""));
          } else if (certified.model().equals(model) && !life().knows(certified.id())) {
            LOG.warn("{}: erasure {} is taken from the certificate in {}: it is not in the event log", model,
                certified.id(), store.files(bundle).locate(""));
            lifecycle.record(new LifeEvent.Promoted(certified, SERVER, certified.promoted()));
          }
        }
      } catch (ProvenanceException e) {
        requireConfirmed(bundle, e);
        LOG.warn("{}: a certificate is not taken notice of: {}", model, e.getMessage());
      }
    }
  }

  /**
   * A version that another server has chosen, if a certificate tells of its erasure. What it tells counts as written
   * down, which it is: the certificate comes before that, and the choice after it.
   */
  Optional<Bundle> byCertificate(String version) throws IOException {
    Bundle bundle = store.versions(model).get(version);
    if (bundle == null) {
      return Optional.empty();
    }
    List<Erasure> erasures = signatory.certified(store.files(bundle)).stream().map(Certificate::erasure)
        .filter(erasure -> erasure.model().equals(model)).toList();
    lifecycle.assume(erasures.stream().filter(erasure -> !life().knows(erasure.id()))
        .map(erasure -> new LifeEvent.Promoted(erasure, SERVER, erasure.promoted())).toList());
    // An older choice, whose file could not be written over, is no promotion: what is known to be retired stays so.
    return erasures.isEmpty() || refusal(version, store.versions(model)).isPresent() ? Optional.empty()
        : Optional.of(bundle);
  }

  /**
   * A certificate that cannot be verified may be of an erasure that nobody else remembers.
   *
   * @throws IOException if the log does not tell of it either, with what to do
   */
  private void requireConfirmed(Bundle certified, ProvenanceException reason) throws IOException {
    String version = certified.card().version();
    String name = model + "/" + version;
    if (store.isOwn(certified) && !life().wasPromoted(version) && !life().isWaived(name)
        && !lifecycle.waive(model, List.of(name))) {
      throw new IOException("model " + model + ": version " + version + " has an erasure certificate that cannot be"
          + " verified (" + reason.getMessage() + "), and the event log does not tell of it. Was the folder of jobs"
          + " emptied or replaced? Restore its signing key (--signing-key, signing.pem) and its database, or confirm"
          + " that they are lost, and that what was erased may be served again, with --confirm-lost-erasures " + name
          + ", which is recorded", reason);
    }
  }

  /** A version that unlearning made and that is served was promoted, by an earlier release or elsewhere. */
  private void adopt(Bundle served) throws IOException {
    if (served.card().unlearned()) {
      lifecycle.record(() -> {
        if (life().wasPromoted(served.card().version())) {
          return List.of();
        }
        Erasure erasure = Signatory.uncertified(served.card(), Instant.now());
        return List.of(new LifeEvent.Promoted(erasure, SERVER, erasure.promoted()));
      }, Database.Work.NOTHING);
    }
  }

  /**
   * Deletes a retired version's files.
   *
   * @return names of what was deleted; nothing if it was deleted before
   * @throws DomainException Precondition if it is not retired, or lies where the server only reads
   */
  List<String> purge(String version, String by) throws IOException {
    if (store.purging(model).contains(version)) {
      return finishPurge(version, by);
    }
    lifecycle.refresh();
    NavigableMap<String, Bundle> versions = store.versions(model);
    if (!versions.containsKey(version) && life().purged().containsKey(version)) {
      return List.of();
    }
    Map<String, String> parents = parents(versions.values());
    if (isLost(version, parents)) {
      return finishPurge(version, by);
    }
    Bundle bundle = find(version, versions);
    requireRetired(version, parents);
    if (!store.isOwn(bundle)) {
      throw refused("version " + version + " of " + model + " lies in " + store.files(bundle).locate("")
          + ", among the shipped"
          + " models, which the server only reads: delete that folder yourself");
    }
    // Written down first: what is missing on the disk and not in the log is a loss, and no purge.
    lifecycle.record(() -> {
      requireRetired(version, parents);
      return List.of(new LifeEvent.Purged(model, version, by, Instant.now()));
    }, Database.Work.NOTHING);
    store.beginPurge(bundle);
    return finishPurge(version, by);
  }

  private void requireRetired(String version, Map<String, String> parents) {
    if (life().refusal(version, parents).isEmpty()) {
      throw refused("version " + version + " of " + model + " is not retired; only what nobody is served is deleted");
    }
  }

  /** Whether a retired version's card is gone: its folder was deleted by hand, and purging it writes that down. */
  private boolean isLost(String version, Map<String, String> parents) throws IOException {
    VersionFiles files = store.files(model, version);
    return store.taken(model).contains(version) && !files.has(Bundle.CARD)
        && files.equals(store.proof(model, version)) && life().retired(version, parents).isPresent();
  }

  private List<String> finishPurge(String version, String by) throws IOException {
    if (!life().purged().containsKey(version)) {
      // Its folder was deleted by hand, or an earlier release has begun, which wrote it down later.
      lifecycle.record(new LifeEvent.Purged(model, version, by, Instant.now()));
    }
    List<String> deleted = store.finishPurge(model, version, Succession::isProof);
    LOG.info("{}: version {} is purged by order of {}: {} are deleted", model, version, by, deleted);
    return deleted;
  }

  /** Whether a file, by its name, stays of a version that is purged. */
  private static boolean isProof(String name) {
    return name.equals(ModelSignature.FILE) || ErasureCertificate.isCertificate(name)
        || ErasureCertificate.isReport(name);
  }

  /**
   * Retires a version by order.
   *
   * @throws DomainException NotFound; Precondition if it is the one that was chosen last, on whichever server
   */
  void retire(String version, String by, String reason) throws IOException {
    find(version, store.versions(model));
    lifecycle.record(() -> {
      if (life().chosen().equals(Optional.of(version))) {
        throw isActive(version);
      }
      return List.of(new LifeEvent.Retired(model, version, by, reason, Instant.now()));
    }, Database.Work.NOTHING);
  }

  DomainException isActive(String version) {
    return new Precondition("version: " + version + " is the active version of " + model
        + "; activate another one first");
  }

  /** Deletes the files of those that have been retired for longer than the grace period, and what is left of others. */
  void purgeOverdue(Instant now) throws IOException {
    for (String begun : store.purging(model)) {
      finishPurge(begun, SERVER);
    }
    if (lifecycle.rules().grace().isZero()) {
      return;
    }
    NavigableMap<String, Bundle> versions = store.versions(model);
    Map<String, String> parents = parents(versions.values());
    for (Bundle bundle : versions.values()) {
      String version = bundle.card().version();
      Optional<Refusal> refusal = life().refusal(version, parents);
      if (refusal.isPresent() && store.isOwn(bundle)
          && !refusal.get().since().plus(lifecycle.rules().grace()).isAfter(now)) {
        purge(version, SERVER);
      }
    }
  }
}
