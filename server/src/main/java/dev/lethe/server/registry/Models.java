package dev.lethe.server.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.security.Latents;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetActiveVersionResponse;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.GetCardResponse;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ListModelsResponse;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ListVersionsResponse;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.VersionState;
import io.grpc.Status;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.server.Service;
import java.nio.file.Files;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code lethe.v1.ModelService}. */
public final class Models {

  private static final Logger LOG = LoggerFactory.getLogger(Models.class);
  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final String W_STATISTICS = "w";

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final LatentRules latents;

  /** @param latents what clients may send, and so what they are told of */
  public Models(Vertx vertx, ModelRegistry registry, LatentRules latents) {
    this.vertx = vertx;
    this.registry = registry;
    this.latents = latents;
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(ModelServiceGrpc.getServiceDescriptor(), settings)
        .immediate(ModelServiceGrpc.getListModelsMethod(), this::listModels)
        .unary(ModelServiceGrpc.getListVersionsMethod(), this::listVersions)
        .unary(ModelServiceGrpc.getGetCardMethod(), this::getCard)
        .immediate(ModelServiceGrpc.getGetActiveVersionMethod(), this::getActiveVersion)
        .audited(ModelServiceGrpc.getActivateMethod(), Models::subject, this::activate)
        .build();
  }

  private ListModelsResponse listModels(ListModelsRequest request) {
    return ListModelsResponse.newBuilder().addAllModels(registry.names()).build();
  }

  private Future<ListVersionsResponse> listVersions(ListVersionsRequest request, Call<ListVersionsResponse> call) {
    ServedModel model = registry.model(request.getModel());
    return vertx.executeBlocking(() -> {
      Map<String, VersionState> states = model.states();
      ListVersionsResponse.Builder list = ListVersionsResponse.newBuilder();
      for (Bundle bundle : registry.repository().versions(model.name()).values()) {
        ModelVersion.Builder version = ModelVersion.newBuilder()
            .setModel(model.name())
            .setVersion(bundle.card().version())
            .setState(states.getOrDefault(bundle.card().version(), VersionState.VERSION_STATE_AVAILABLE))
            .addAllUnlearnedLabels(bundle.card().unlearnedLabels().keySet());
        if (bundle.card().parentVersion() != null) {
          version.setParentVersion(bundle.card().parentVersion());
        }
        list.addVersions(version);
      }
      return list.build();
    }, false);
  }

  private Future<GetCardResponse> getCard(GetCardRequest request, Call<GetCardResponse> call) {
    ServedModel model = registry.model(request.getModel());
    String version = request.getVersion().isEmpty()
        ? model.activeVersion().orElseThrow(model::unloaded) : request.getVersion();
    Latents open = latents.of(model.name(), call.caller().principal());
    return vertx.executeBlocking(() -> {
      Bundle bundle = registry.repository().versions(model.name()).get(version);
      if (bundle == null) {
        throw Status.NOT_FOUND.withDescription("version: model " + model.name() + " has no version "
            + ClassLabels.abbreviate(version)).asRuntimeException();
      }
      String card = Files.readString(bundle.directory().resolve(Bundle.CARD));
      return GetCardResponse.newBuilder()
          .setModel(model.name())
          .setVersion(version)
          .setCardJson(open.has(Latents.W) ? card : withoutW(card))
          .build();
    }, false);
  }

  /** The same card, whatever its layout, less the average w and those of the classes. */
  private static String withoutW(String card) throws JsonProcessingException {
    ObjectNode fields = (ObjectNode) JSON.readTree(card);
    fields.remove(W_STATISTICS);
    return JSON.writeValueAsString(fields);
  }

  private GetActiveVersionResponse getActiveVersion(GetActiveVersionRequest request) {
    ServedModel model = registry.model(request.getModel());
    return GetActiveVersionResponse.newBuilder().setModel(model.name())
        .setVersion(model.activeVersion().orElseThrow(model::unloaded)).build();
  }

  private static void subject(ActivateRequest request, Call<ActivateResponse> call) {
    call.about("model", request.getModel());
    call.about("version", request.getVersion());
  }

  private Future<ActivateResponse> activate(ActivateRequest request, Call<ActivateResponse> call) {
    ServedModel model = registry.model(request.getModel());
    call.about("model", model.name());
    if (request.getVersion().isEmpty()) {
      throw Status.INVALID_ARGUMENT.withDescription("version: name the version to activate").asRuntimeException();
    }
    LOG.info("{}: version {} is to be activated, by request", model.name(),
        ClassLabels.abbreviate(request.getVersion()));
    return call.here(model.activate(request.getVersion())).map(previous -> {
      call.about("previous_version", previous.orElse(""));
      return ActivateResponse.newBuilder()
          .setModel(model.name())
          .setVersion(request.getVersion())
          .setPreviousVersion(previous.orElse(""))
          .build();
    });
  }
}
