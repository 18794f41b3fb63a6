package dev.lethe.server.openinference;

import dev.lethe.inference.ModelRepositoryParameter;
import dev.lethe.inference.RepositoryIndexRequest;
import dev.lethe.inference.RepositoryIndexResponse;
import dev.lethe.inference.RepositoryIndexResponse.ModelIndex;
import dev.lethe.inference.RepositoryModelLoadRequest;
import dev.lethe.inference.RepositoryModelLoadResponse;
import dev.lethe.inference.RepositoryModelUnloadRequest;
import dev.lethe.inference.RepositoryModelUnloadResponse;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.registry.ClassLabels;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.rpc.Call;
import dev.lethe.v1.VersionState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Triton's extension for model repositories, on the server's own. */
final class RepositoryExtension {

  private static final String READY = "READY";

  private final Vertx vertx;
  private final ModelRegistry registry;

  RepositoryExtension(Vertx vertx, ModelRegistry registry) {
    this.vertx = vertx;
    this.registry = registry;
  }

  Future<RepositoryIndexResponse> index(RepositoryIndexRequest request, Call<RepositoryIndexResponse> call) {
    requireNoName(request.getRepositoryName());
    return vertx.executeBlocking(() -> {
      RepositoryIndexResponse.Builder answer = RepositoryIndexResponse.newBuilder();
      for (String name : registry.store().models()) {
        index(name, request.getReady(), answer);
      }
      return answer.build();
    }, false);
  }

  private void index(String name, boolean readyOnly, RepositoryIndexResponse.Builder answer) throws IOException {
    Optional<ServedModel> model = registry.find(name);
    Set<String> ready = model.map(served -> served.ready().keySet()).orElse(Set.of());
    Map<String, VersionState> states = model.map(ServedModel::states).orElse(Map.of());
    for (String version : registry.store().versions(name).keySet()) {
      ModelIndex.Builder entry = ModelIndex.newBuilder().setName(name).setVersion(version);
      if (ready.contains(version)) {
        entry.setState(READY);
      } else {
        switch (states.getOrDefault(version, VersionState.VERSION_STATE_AVAILABLE)) {
          case VERSION_STATE_LOADING -> entry.setState("LOADING");
          case VERSION_STATE_DRAINING -> entry.setState("UNLOADING");
          default -> entry.setState("UNAVAILABLE").setReason(reason(model, version));
        }
      }
      if (!readyOnly || entry.getState().equals(READY)) {
        answer.addModels(entry);
      }
    }
  }

  private static String reason(Optional<ServedModel> model, String version) throws IOException {
    if (model.isEmpty()) {
      return "the model came after the server's start, and was not loaded";
    }
    Optional<String> retired = model.get().retired(version);
    if (retired.isPresent()) {
      return retired.get();
    }
    return model.get().activeVersion().isEmpty() ? "unloaded" : "the first request that names this version loads it";
  }

  Future<RepositoryModelLoadResponse> load(RepositoryModelLoadRequest request,
      Call<RepositoryModelLoadResponse> call) {
    String name = request.getModelName();
    requireNoName(request.getRepositoryName());
    requireNoParameters(request.getParametersMap(), Set.of());
    requireModel(name);
    return call.here(registry.load(name)).map(loaded -> {
      registry.model(name).activeVersion().ifPresent(version -> call.about("version", version));
      return RepositoryModelLoadResponse.getDefaultInstance();
    });
  }

  Future<RepositoryModelUnloadResponse> unload(RepositoryModelUnloadRequest request,
      Call<RepositoryModelUnloadResponse> call) {
    String name = request.getModelName();
    requireNoName(request.getRepositoryName());
    requireNoParameters(request.getParametersMap(), Set.of("unload_dependents"));
    requireModel(name);
    ServedModel model = registry.model(name);
    model.activeVersion().ifPresent(version -> call.about("version", version));
    return call.here(model.unload()).map(RepositoryModelUnloadResponse.getDefaultInstance());
  }

  private static void requireNoName(String repository) {
    if (!repository.isEmpty()) {
      throw new Invalid("repository_name: there is one repository, and it has no name; leave it empty");
    }
  }

  private static void requireNoParameters(Map<String, ModelRepositoryParameter> given, Set<String> known) {
    given.keySet().stream().filter(name -> !known.contains(name)).sorted().findFirst().ifPresent(name -> {
      throw new Invalid("parameters[\"" + ClassLabels.abbreviate(name)
          + "\"]: is not supported; a model is what lies in"
          + " the server's repository");
    });
  }

  private static void requireModel(String name) {
    if (name.isEmpty()) {
      throw new Invalid("model_name: name the model");
    }
  }
}
