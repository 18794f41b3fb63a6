package dev.lethe.server.openinference;

import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.ModelConfigRequest;
import dev.lethe.inference.ModelConfigResponse;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelMetadataRequest;
import dev.lethe.inference.ModelMetadataResponse;
import dev.lethe.inference.ModelReadyRequest;
import dev.lethe.inference.ModelReadyResponse;
import dev.lethe.inference.ServerLiveRequest;
import dev.lethe.inference.ServerLiveResponse;
import dev.lethe.inference.ServerMetadataRequest;
import dev.lethe.inference.ServerMetadataResponse;
import dev.lethe.inference.ServerReadyRequest;
import dev.lethe.inference.ServerReadyResponse;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ServedModel;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.LatentRules;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.server.Service;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * {@code inference.GRPCInferenceService}: the Open Inference Protocol (KServe v2) with Triton's extensions for
 * repositories, configurations and statistics, so that its clients can ask this server as it is.
 */
public final class OpenInferenceService {

  /**
   * Of Triton's. Statistics are answered, and not listed: Triton's perf_analyzer, which asks for them only where they
   * are listed, takes versions for integers and ends at the first one with a name.
   */
  private static final List<String> EXTENSIONS = List.of("model_repository", "model_configuration");

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final BooleanSupplier ready;
  private final Inference inference;
  private final RepositoryExtension repository;
  private final Statistics statistics;
  private final ServerMetadataResponse server = ServerMetadataResponse.newBuilder()
      .setName(Release.NAME)
      .setVersion(Release.version())
      .addAllExtensions(EXTENSIONS)
      .build();

  /**
   * @param latents what clients may send
   * @param mostImages in one request
   * @param ready whether the server takes requests
   */
  public OpenInferenceService(Vertx vertx, ModelRegistry registry, InferenceEngine engine, LatentRules latents,
      int mostImages, BooleanSupplier ready) {
    this.vertx = vertx;
    this.registry = registry;
    this.ready = ready;
    this.inference = new Inference(registry, engine, latents, mostImages);
    this.repository = new RepositoryExtension(vertx, registry);
    this.statistics = new Statistics(registry);
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(GRPCInferenceServiceGrpc.getServiceDescriptor(), settings)
        .immediate(GRPCInferenceServiceGrpc.getServerLiveMethod(), this::serverLive)
        .immediate(GRPCInferenceServiceGrpc.getServerReadyMethod(), this::serverReady)
        .immediate(GRPCInferenceServiceGrpc.getModelReadyMethod(), this::modelReady)
        .immediate(GRPCInferenceServiceGrpc.getServerMetadataMethod(), this::serverMetadata)
        .unary(GRPCInferenceServiceGrpc.getModelMetadataMethod(), this::modelMetadata)
        .unary(GRPCInferenceServiceGrpc.getModelConfigMethod(), this::modelConfig)
        .immediate(GRPCInferenceServiceGrpc.getModelStatisticsMethod(), statistics::answer)
        .unary(GRPCInferenceServiceGrpc.getModelInferMethod(), this::modelInfer)
        .streaming(GRPCInferenceServiceGrpc.getModelStreamInferMethod(), call -> new InferStream(inference, call))
        .unary(GRPCInferenceServiceGrpc.getRepositoryIndexMethod(), repository::index)
        .audited(GRPCInferenceServiceGrpc.getRepositoryModelLoadMethod(),
            (request, call) -> call.about("model", request.getModelName()), repository::load)
        .audited(GRPCInferenceServiceGrpc.getRepositoryModelUnloadMethod(),
            (request, call) -> call.about("model", request.getModelName()), repository::unload)
        .build();
  }

  private ServerLiveResponse serverLive(ServerLiveRequest request) {
    return ServerLiveResponse.newBuilder().setLive(true).build();
  }

  private ServerReadyResponse serverReady(ServerReadyRequest request) {
    return ServerReadyResponse.newBuilder().setReady(ready.getAsBoolean()).build();
  }

  private ModelReadyResponse modelReady(ModelReadyRequest request) {
    boolean there = registry.find(request.getName()).map(model -> request.getVersion().isEmpty()
        ? model.activeVersion().isPresent() : model.ready().containsKey(request.getVersion())).orElse(false);
    return ModelReadyResponse.newBuilder().setReady(there && ready.getAsBoolean()).build();
  }

  private ServerMetadataResponse serverMetadata(ServerMetadataRequest request) {
    return server;
  }

  private Future<ModelMetadataResponse> modelMetadata(ModelMetadataRequest request,
      Call<ModelMetadataResponse> call) {
    return describe(request.getName(), request.getVersion(), version -> Descriptions.metadata(version.card(),
        request.getVersion().isEmpty() ? version.all() : List.of(request.getVersion()),
        inference.open(version.card(), call)));
  }

  private Future<ModelConfigResponse> modelConfig(ModelConfigRequest request, Call<ModelConfigResponse> call) {
    InferenceEngine engine = inference.engine();
    return describe(request.getName(), request.getVersion(), version -> ModelConfigResponse.newBuilder()
        .setConfig(Descriptions.config(version.card(), inference.mostImages(version.card()),
            engine.options(version.card().name()).batching(), engine.device(),
            inference.open(version.card(), call)))
        .build());
  }

  /** @param all the model's versions, in natural order */
  private record Described(ModelCard card, List<String> all) {}

  /** Describes a version from its card: it does not have to be in memory. */
  private <R> Future<R> describe(String name, String version, Function<Described, R> description) {
    ServedModel model = registry.model(name);
    String named = version.isEmpty() ? model.activeVersion().orElseThrow(model::unloaded) : version;
    return vertx.executeBlocking(() -> {
      Bundle bundle = model.servable(named);
      Map<String, Bundle> versions = registry.store().versions(model.name());
      return description.apply(new Described(bundle.card(), List.copyOf(versions.keySet())));
    }, false);
  }

  private Future<ModelInferResponse> modelInfer(ModelInferRequest request, Call<ModelInferResponse> call) {
    return inference.prepare(request, call).compose(prepared -> prepared.start(request.getId()));
  }
}
