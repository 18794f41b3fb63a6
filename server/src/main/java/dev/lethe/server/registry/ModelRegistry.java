package dev.lethe.server.registry;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.lifecycle.Signatory;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.store.StoreException;
import dev.lethe.server.threads.ThreadPriority;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The models of this server: those of its start, and those that were loaded since. */
public final class ModelRegistry {

  private static final Logger LOG = LoggerFactory.getLogger(ModelRegistry.class);
  private static final Duration PURGE = Duration.ofHours(1);

  private final ModelStore store;
  private final WorkerExecutor loader;
  private final VersionLoader versions;
  private final ServerMetrics metrics;
  private final Lifecycle lifecycle;
  private final Signatory signatory;
  private final ConcurrentNavigableMap<String, ServedModel> models = new ConcurrentSkipListMap<>();
  // Of the loader alone.
  private boolean closed;

  private ModelRegistry(ModelStore store, WorkerExecutor loader, VersionLoader versions,
      ServerMetrics metrics, Lifecycle lifecycle, Signatory signatory) {
    this.store = store;
    this.loader = loader;
    this.versions = versions;
    this.metrics = metrics;
    this.lifecycle = lifecycle;
    this.signatory = signatory;
  }

  /**
   * Loads the active version of every model of the store. Blocks.
   *
   * @param engine generates with the versions that it opens for the registry
   * @param lifecycle which versions may be served
   * @param signatory signs what is promoted
   * @throws IOException if there is no model, an active version does not load, or none lacks what was erased; with the
   *     reason
   */
  public static ModelRegistry open(Vertx vertx, ModelStore store, InferenceEngine engine,
      ServerMetrics metrics, Lifecycle lifecycle, Signatory signatory) throws IOException {
    // One thread: loads and switches follow one another. Vert.x warns of work that takes longer than the last figure.
    WorkerExecutor loader = vertx.createSharedWorkerExecutor("lethe-loader", 1, 10, TimeUnit.MINUTES);
    loader.executeBlocking(() -> {
      ThreadPriority.giveWay();
      return null;
    });
    ModelRegistry registry = new ModelRegistry(store, loader, new VersionLoader(engine, metrics), metrics,
        lifecycle, signatory);
    for (String name : store.models()) {
      registry.start(name);
    }
    if (registry.models.isEmpty()) {
      throw new IOException("there is no model in " + store
          + ": a model is a bundle in DIR/MODEL/VERSION/ (--models DIR)");
    }
    return registry;
  }

  private void start(String name) throws IOException {
    ServedModel model = new ServedModel(name, store, new Succession(name, store, lifecycle, signatory),
        versions, loader, metrics);
    model.start();
    models.put(name, model);
  }

  public Lifecycle lifecycle() {
    return lifecycle;
  }

  public Signatory signatory() {
    return signatory;
  }

  /** Deletes the files of retired versions whose grace period is over; now, and every so often from then on. */
  public void purgeOverdue(Vertx vertx) {
    purgeOverdue();
    vertx.setPeriodic(PURGE.toMillis(), again -> purgeOverdue());
  }

  private void purgeOverdue() {
    models.values().forEach(model -> model.purgeOverdue().onFailure(failure ->
        LOG.warn("{}: retired versions are not purged: {}", model.name(), failure.getMessage())));
  }

  /**
   * Serves what another server has chosen since that shares the folder of state, by the lives that its versions have
   * now, and nothing that is retired. Blocks for a moment. Without the database, erasures that others have promoted are
   * followed by their certificates.
   *
   * @return completes when they serve; fails if one does not load
   * @throws StoreException if the database cannot be read
   */
  public Future<Void> follow() throws IOException {
    List<Future<Void>> loads = new ArrayList<>();
    Optional<StoreException> blind = Optional.empty();
    try {
      lifecycle.follow();
    } catch (StoreException e) {
      blind = Optional.of(e);
    }
    for (ServedModel model : models.values()) {
      follow(model, blind.isPresent()).ifPresent(loads::add);
    }
    blind.ifPresent(failure -> {
      throw failure;
    });
    return Future.all(loads).mapEmpty();
  }

  /** {@link #follow()} of one model, if the server has it: what becomes of others is not waited for. */
  public Future<Void> follow(String name) throws IOException {
    lifecycle.follow();
    ServedModel model = models.get(name);
    return model == null ? Future.succeededFuture() : follow(model, false).orElseGet(Future::succeededFuture);
  }

  private Optional<Future<Void>> follow(ServedModel model, boolean blind) throws IOException {
    Optional<String> active = model.activeVersion();
    Optional<String> chosen = store.chosen(model.name());
    // Who switches here writes the choice down first, and is on the loader already: then nothing is left to do.
    if (active.isPresent() && chosen.isPresent() && !chosen.equals(active) && !model.isAhead()) {
      Future<Void> load = blind ? model.followCertificate(chosen.get()) : model.load();
      return Optional.of(load.onFailure(failure -> LOG.warn("{}: version {}, which another server has chosen, is not"
          + " served: {}", model.name(), chosen.get(), failure.getMessage())));
    }
    return !blind || model.servesRetired() ? settle(model) : Optional.empty();
  }

  /**
   * Serves nothing that is retired, whoever has written that down, and writes what could not be written. Blocks for a
   * moment.
   *
   * @throws StoreException if the database cannot be read
   */
  public void settle() {
    lifecycle.follow();
    models.values().forEach(this::settle);
  }

  private Optional<Future<Void>> settle(ServedModel model) {
    return model.isBehind() ? Optional.of(model.follow().onFailure(failure -> LOG.warn(
        "{}: what has been retired is not followed: {}", model.name(), failure.getMessage()))) : Optional.empty();
  }

  public ModelStore store() {
    return store;
  }

  public NavigableSet<String> names() {
    return models.navigableKeySet();
  }

  /**
   * The model of this name; the only one, if the name is empty.
   *
   * @throws DomainException NotFound for an unknown name, Invalid for an empty one where there
   *     are several models
   */
  public ServedModel model(String name) {
    if (name.isEmpty()) {
      if (models.size() > 1) {
        throw new Invalid("model: name one of " + models.keySet());
      }
      return models.firstEntry().getValue();
    }
    ServedModel model = models.get(name);
    if (model == null) {
      throw new NotFound("model: there is no model " + ClassLabels.abbreviate(name) + "; there are "
          + models.keySet());
    }
    return model;
  }

  /** Whether any model takes requests: not if all are unloaded. */
  public boolean servesAny() {
    return models.values().stream().anyMatch(model -> model.activeVersion().isPresent());
  }

  /** The model of this name, if the server has it. */
  public Optional<ServedModel> find(String name) {
    return Optional.ofNullable(models.get(name));
  }

  /**
   * {@link ServedModel#load}, also for a model that was put into the repository after the server's start.
   *
   * @return NotFound if the repository has no such model, Precondition if it does not load
   */
  public Future<Void> load(String name) {
    ServedModel known = models.get(name);
    return known != null ? known.load() : loader.executeBlocking(() -> {
      if (closed) {
        throw ServedModel.shuttingDown();
      }
      try {
        if (!store.models().contains(name)) {
          throw new NotFound("model: there is no model " + ClassLabels.abbreviate(name)
              + " on disk; there are " + store.models());
        }
        // Another order may have come first: it was carried out on this thread.
        if (!models.containsKey(name)) {
          store.requireNewest(name);
          start(name);
        }
      } catch (IOException e) {
        throw new Precondition(e.getMessage(), e);
      }
      return null;
    }, false);
  }

  /** Completes once all requests have let go of their versions and these are closed. */
  public Future<Void> close() {
    return loader.executeBlocking(() -> {
      // From here on no model is added.
      closed = true;
      return null;
    }, false)
        .compose(last -> Future.all(models.values().stream().map(ServedModel::close).toList()))
        .compose(all -> loader.close());
  }
}
