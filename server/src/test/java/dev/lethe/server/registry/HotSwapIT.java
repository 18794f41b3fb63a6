package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.VersionState;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HotSwapIT {

  @TempDir
  Path root;

  private ServerFixture server;

  @BeforeEach
  void start() throws IOException {
    Path models = root.resolve("models");
    TinyBundles.conditional(models, "v1", 7);
    TinyBundles.conditional(models, "v2", 8);
    Files.writeString(models.resolve("tiny/active"), "v1\n");
    server = ServerFixture.start(root);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void clientsSeeNoFailureAndNoMixtureWhileVersionsAreSwapped() throws Exception {
    GenerateRequest request = GenerateRequest.newBuilder()
        .setSeeds(Seeds.newBuilder().addValues(1)).setCount(12).build();
    Map<String, GenerateResponse> expected = Map.of(
        "v1", server.generation().generate(request.toBuilder().setVersion("v1").build()),
        "v2", server.generation().generate(request.toBuilder().setVersion("v2").build()));
    Map<String, Integer> seen = new ConcurrentHashMap<>();
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService clients = Executors.newFixedThreadPool(3);
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      running.add(clients.submit(() -> {
        ManagedChannel channel = server.newChannel();
        try {
          while (!stop.get()) {
            GenerateResponse response = GenerationServiceGrpc.newBlockingStub(channel).generate(request);
            assertEquals(expected.get(response.getVersion()).getImagesList(), response.getImagesList());
            seen.merge(response.getVersion(), 1, Integer::sum);
          }
        } finally {
          channel.shutdownNow();
        }
        return null;
      }));
    }
    for (int swap = 0; swap < 20; swap++) {
      ActivateResponse response = activate(swap % 2 == 0 ? "v2" : "v1");
      assertEquals(swap % 2 == 0 ? "v1" : "v2", response.getPreviousVersion());
    }
    stop.set(true);
    for (Future<?> client : running) {
      client.get();
    }
    clients.shutdown();
    assertTrue(seen.values().stream().mapToInt(Integer::intValue).sum() > 20, seen.toString());
    assertEquals(20, server.metric("lethe_model_swaps_total{model=\"tiny\",}"));
    assertEquals(1, server.metric("lethe_model_active_version{model=\"tiny\",version=\"v1\",}"));
    assertEquals(0, server.metric("lethe_model_active_version{model=\"tiny\",version=\"v2\",}"));
    // The active one alone: every version that was replaced is closed.
    untilLoaded(1);
  }

  @Test
  void requestInFlightFinishesOnTheOldVersionWhichIsClosedAfterIt() throws Exception {
    Iterator<GeneratedImage> stream = server.generation().generateStream(GenerateRequest.newBuilder()
        .setCount(60_000).build());
    assertEquals("v1", stream.next().getVersion());
    activate("v2");
    assertEquals("v2", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
    assertEquals(2, server.metric("lethe_model_loaded_versions{model=\"tiny\",}"));
    assertEquals(VersionState.VERSION_STATE_DRAINING, states().get("v1"));
    assertEquals(VersionState.VERSION_STATE_ACTIVE, states().get("v2"));
    for (int i = 0; i < 500; i++) {
      assertEquals("v1", stream.next().getVersion());
    }
    server.channel().shutdownNow();
    untilLoaded(1);
  }

  @Test
  void choiceOutlivesARestart() throws IOException {
    activate("v2");
    server.close();
    server = ServerFixture.start(root);
    assertEquals("v2", activeVersion());
    assertEquals("v1\n", Files.readString(root.resolve("models/tiny/active")));
  }

  @Test
  void versionsThatAreNotActiveServeByName() throws Exception {
    assertEquals("v2", server.generation()
        .generate(GenerateRequest.newBuilder().setVersion("v2").build()).getVersion());
    assertEquals("v1", activeVersion());
    assertEquals(VersionState.VERSION_STATE_AVAILABLE, states().get("v2"));
    for (String version : List.of("v3", "v4", "v5")) {
      TinyBundles.conditional(root.resolve("state"), version, 9);
      assertEquals(version, server.generation()
          .generate(GenerateRequest.newBuilder().setVersion(version).build()).getVersion());
    }
    // The active one and the two that were used last.
    untilLoaded(3);
  }

  @Test
  void brokenBundlesAreRefusedBeforeTheyTakeTraffic() throws IOException {
    Path state = root.resolve("state");
    Bundle truncated = TinyBundles.conditional(state, "truncated", 9);
    byte[] graph = Files.readAllBytes(truncated.synthesis());
    Files.write(truncated.synthesis(), Arrays.copyOf(graph, graph.length / 2));
    refused("truncated", "synthesis.onnx is damaged");

    Bundle missing = TinyBundles.conditional(state, "missing", 9);
    Files.delete(missing.mapping());
    refused("missing", "lacks mapping.onnx");

    // Whole by its hashes, and no model.
    Bundle garbage = TinyBundles.conditional(state, "garbage", 9);
    Files.write(garbage.synthesis(), new byte[100]);
    Bundle.seal(garbage.directory(), garbage.card());
    refused("garbage", "cannot be loaded");

    Bundle shapes = TinyBundles.conditional(state, "shapes", 9);
    ModelCard.Network n = shapes.card().network();
    ModelCard card = shapes.card();
    Bundle.seal(shapes.directory(), new ModelCard(card.formatVersion(), card.name(), card.version(), null,
        card.architecture(), new ModelCard.Network(64, 1, n.zDim(), n.wDim(), n.numWs(), n.mappingLayers(),
            n.channelBase(), n.channelMax()), card.labels(), card.unlearnedLabels(), card.w(), null, null, Map.of()));
    refused("shapes", "\"image\" has shape [-1, 1, 32, 32], and by its card it should be [N, 1, 64, 64]");

    Map<String, Tensor> weights = Weights.initialize(TinyBundles.CONDITIONAL, 9);
    weights.values().stream().filter(tensor -> tensor.shape().length == 4).forEach(
        tensor -> Arrays.fill(tensor.data(), Float.NaN));
    StyleGan2Bundle.write(state.resolve("tiny/nan"),
        TinyBundles.card("tiny", "nan", null, TinyBundles.CONDITIONAL, Map.of()), weights);
    refused("nan", "values that are no numbers");

    StatusRuntimeException unknown = assertThrows(StatusRuntimeException.class, () -> activate("v9"));
    assertEquals(Code.NOT_FOUND, unknown.getStatus().getCode());
    assertEquals("v1", activeVersion());
    assertEquals("v1", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
  }

  @Test
  void modelsAndCardsAreTold() throws IOException {
    assertEquals(List.of("tiny"), server.models().listModels(ListModelsRequest.getDefaultInstance()).getModelsList());
    assertEquals(Files.readString(root.resolve("models/tiny/v1/model.json")),
        server.models().getCard(GetCardRequest.newBuilder().setModel("tiny").build()).getCardJson());
    StatusRuntimeException unknown = assertThrows(StatusRuntimeException.class,
        () -> server.models().getCard(GetCardRequest.newBuilder().setModel("tiny").setVersion("x").build()));
    assertEquals(Code.NOT_FOUND, unknown.getStatus().getCode());
  }

  @Test
  void severalModelsAreToldApartByName() throws IOException {
    server.close();
    TinyBundles.unconditional(root.resolve("models"), "rgb", "1");
    server = ServerFixture.start(root);
    StatusRuntimeException ambiguous = assertThrows(StatusRuntimeException.class,
        () -> server.generation().generate(GenerateRequest.getDefaultInstance()));
    assertEquals(Code.INVALID_ARGUMENT, ambiguous.getStatus().getCode());
    assertTrue(ambiguous.getStatus().getDescription().contains("[rgb, tiny]"), ambiguous.getMessage());
    GeneratedImage image = server.generation()
        .generate(GenerateRequest.newBuilder().setModel("rgb").build()).getImages(0);
    assertEquals("1", image.getVersion());
    assertEquals(false, image.hasLabel());
    StatusRuntimeException label = assertThrows(StatusRuntimeException.class, () -> server.generation()
        .generate(GenerateRequest.newBuilder().setModel("rgb").setLabel("one").build()));
    assertTrue(label.getStatus().getDescription().contains("no classes"), label.getMessage());
  }

  private void refused(String version, String part) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> activate(version));
    assertEquals(Code.FAILED_PRECONDITION, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(refusal.getStatus().getDescription().contains(part), refusal.getMessage() + " lacks " + part);
  }

  private ActivateResponse activate(String version) {
    return server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion(version).build());
  }

  private String activeVersion() {
    return server.models().getActiveVersion(GetActiveVersionRequest.getDefaultInstance()).getVersion();
  }

  private Map<String, VersionState> states() {
    return server.models().listVersions(ListVersionsRequest.getDefaultInstance()).getVersionsList().stream()
        .collect(Collectors.toMap(ModelVersion::getVersion, ModelVersion::getState));
  }

  private void untilLoaded(int versions) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (server.metric("lethe_model_loaded_versions{model=\"tiny\",}") != versions) {
      assertTrue(System.nanoTime() < limit, "versions stay in memory: "
          + server.metric("lethe_model_loaded_versions{model=\"tiny\",}"));
      Thread.sleep(20);
    }
  }
}
