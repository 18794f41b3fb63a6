package dev.lethe.server.registry;

import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.monitoring.ServerMetrics;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.io.IOException;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The models of this server, fixed at its start. */
public final class ModelRegistry {

  private final ModelRepository repository;
  private final WorkerExecutor loader;
  private final TreeMap<String, ServedModel> models = new TreeMap<>();

  private ModelRegistry(ModelRepository repository, WorkerExecutor loader) {
    this.repository = repository;
    this.loader = loader;
  }

  /**
   * Loads the active version of every model of the repository. Blocks.
   *
   * @param engine generates with the versions that it opens for the registry
   * @throws IOException if there is no model, or an active version does not load; with the reason
   */
  public static ModelRegistry open(Vertx vertx, ModelRepository repository, InferenceEngine engine,
      ServerMetrics metrics) throws IOException {
    // One thread: loads and switches follow one another. Vert.x warns of work that takes longer than the last figure.
    WorkerExecutor loader = vertx.createSharedWorkerExecutor("lethe-loader", 1, 10, TimeUnit.MINUTES);
    ModelRegistry registry = new ModelRegistry(repository, loader);
    VersionLoader versions = new VersionLoader(engine, metrics);
    for (String name : repository.models()) {
      ServedModel model = new ServedModel(name, repository, versions, loader, metrics);
      model.start();
      registry.models.put(name, model);
    }
    if (registry.models.isEmpty()) {
      throw new IOException("there is no model in " + repository
          + ": a model is a bundle in DIR/MODEL/VERSION/ (--models DIR)");
    }
    return registry;
  }

  public ModelRepository repository() {
    return repository;
  }

  public NavigableSet<String> names() {
    return models.navigableKeySet();
  }

  /**
   * The model of this name; the only one, if the name is empty.
   *
   * @throws io.grpc.StatusRuntimeException NOT_FOUND for an unknown name, INVALID_ARGUMENT for an empty one where there
   *     are several models
   */
  public ServedModel model(String name) {
    if (name.isEmpty()) {
      if (models.size() > 1) {
        throw Status.INVALID_ARGUMENT.withDescription("model: name one of " + models.keySet()).asRuntimeException();
      }
      return models.firstEntry().getValue();
    }
    ServedModel model = models.get(name);
    if (model == null) {
      throw Status.NOT_FOUND.withDescription("model: there is no model " + name + "; there are " + models.keySet())
          .asRuntimeException();
    }
    return model;
  }

  /** Completes once all requests have let go of their versions and these are closed. */
  public Future<Void> close() {
    return Future.all(models.values().stream().map(ServedModel::close).toList())
        .compose(closed -> loader.close());
  }
}
