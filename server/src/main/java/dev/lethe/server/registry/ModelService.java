package dev.lethe.server.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.security.Latents;
import dev.lethe.server.security.Principal;
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
import dev.lethe.v1.PurgeRequest;
import dev.lethe.v1.PurgeResponse;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.RetireResponse;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.grpc.server.Service;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code lethe.v1.ModelService}. */
public final class ModelService {

  private static final Logger LOG = LoggerFactory.getLogger(ModelService.class);
  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final String W_STATISTICS = "w";
  private static final int LONGEST_REASON = 1000;

  private final Vertx vertx;
  private final ModelRegistry registry;
  private final LatentRules latents;
  private final Certificates certificates;

  /** @param latents what clients may send, and so what they are told of */
  public ModelService(Vertx vertx, ModelRegistry registry, LatentRules latents) {
    this.vertx = vertx;
    this.registry = registry;
    this.latents = latents;
    this.certificates = new Certificates(registry);
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(ModelServiceGrpc.getServiceDescriptor(), settings)
        .immediate(ModelServiceGrpc.getListModelsMethod(), this::listModels)
        .unary(ModelServiceGrpc.getListVersionsMethod(), this::listVersions)
        .unary(ModelServiceGrpc.getGetCardMethod(), this::getCard)
        .immediate(ModelServiceGrpc.getGetActiveVersionMethod(), this::getActiveVersion)
        .audited(ModelServiceGrpc.getActivateMethod(), (request, call) -> {
          subject(request.getModel(), request.getVersion(), call);
          call.about("override_reason", request.getOverrideReason());
        }, this::activate)
        .audited(ModelServiceGrpc.getRetireMethod(), (request, call) -> {
          subject(request.getModel(), request.getVersion(), call);
          call.about("reason", request.getReason());
        }, this::retire)
        .audited(ModelServiceGrpc.getPurgeMethod(),
            (request, call) -> subject(request.getModel(), request.getVersion(), call), this::purge)
        .audited(ModelServiceGrpc.getGetErasureCertificateMethod(), (request, call) -> {
          subject(request.getModel(), request.getVersion(), call);
          call.about("job_id", request.getJobId());
        }, (request, call) -> vertx.executeBlocking(() -> certificates.answer(request, call), false))
        .build();
  }

  private ListModelsResponse listModels(ListModelsRequest request) {
    return ListModelsResponse.newBuilder().addAllModels(registry.names()).build();
  }

  private Future<ListVersionsResponse> listVersions(ListVersionsRequest request, Call<ListVersionsResponse> call) {
    ServedModel model = registry.model(request.getModel());
    return vertx.executeBlocking(() -> ListVersionsResponse.newBuilder()
        .addAllVersions(new VersionList(model, registry).all()).build(), false);
  }

  private Future<GetCardResponse> getCard(GetCardRequest request, Call<GetCardResponse> call) {
    ServedModel model = registry.model(request.getModel());
    String version = request.getVersion().isEmpty()
        ? model.activeVersion().orElseThrow(model::unloaded) : request.getVersion();
    Principal principal = call.caller().principal();
    return vertx.executeBlocking(() -> {
      Bundle bundle = model.servable(version);
      Latents open = latents.of(bundle.card(), principal);
      String card = new String(registry.store().files(bundle).read(Bundle.CARD).orElseThrow(),
          StandardCharsets.UTF_8);
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

  private static void subject(String model, String version, Call<?> call) {
    call.about("model", model);
    call.about("version", version);
  }

  private Future<ActivateResponse> activate(ActivateRequest request, Call<ActivateResponse> call) {
    ServedModel model = registry.model(request.getModel());
    call.about("model", model.name());
    if (request.getVersion().isEmpty()) {
      throw new Invalid("version: name the version to activate");
    }
    String reason = reason("override_reason", request.getOverrideReason());
    LOG.info("{}: version {} is to be activated, by request", model.name(),
        ClassLabels.abbreviate(request.getVersion()));
    return call.here(model.activate(request.getVersion(), by(call), reason)).map(previous -> {
      call.about("previous_version", previous.orElse(""));
      return ActivateResponse.newBuilder()
          .setModel(model.name())
          .setVersion(request.getVersion())
          .setPreviousVersion(previous.orElse(""))
          .build();
    });
  }

  private static String by(Call<?> call) {
    return call.caller().principal().name();
  }

  private static String reason(String field, String given) {
    if (given.length() > LONGEST_REASON) {
      throw new Invalid(field + ": has " + given.length() + " characters; it may have "
          + LONGEST_REASON);
    }
    return given.strip();
  }

  private Future<RetireResponse> retire(RetireRequest request, Call<RetireResponse> call) {
    ServedModel model = registry.model(request.getModel());
    String reason = reason("reason", request.getReason());
    if (reason.isEmpty()) {
      throw new Invalid("reason: say why, in a few words");
    }
    return call.here(model.retire(request.getVersion(), by(call), reason)
        .compose(done -> version(model, request.getVersion()))
        .map(version -> RetireResponse.newBuilder().setVersion(version).build()));
  }

  private Future<PurgeResponse> purge(PurgeRequest request, Call<PurgeResponse> call) {
    ServedModel model = registry.model(request.getModel());
    return call.here(model.purge(request.getVersion(), by(call)).compose(deleted -> version(model, request.getVersion())
        .map(version -> PurgeResponse.newBuilder().setVersion(version).addAllDeletedFiles(deleted).build())));
  }

  private Future<ModelVersion> version(ServedModel model, String name) {
    return vertx.executeBlocking(() -> new VersionList(model, registry).all().stream()
        .filter(version -> version.getVersion().equals(name)).findFirst()
        .orElse(ModelVersion.newBuilder().setModel(model.name()).setVersion(name).build()), false);
  }
}
