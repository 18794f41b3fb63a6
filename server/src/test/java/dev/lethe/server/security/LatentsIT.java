package dev.lethe.server.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelConfigRequest;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelMetadataRequest;
import dev.lethe.inference.ModelStreamInferResponse;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients may send for two models, {@code tiny} and {@code plain}, in both protocols. */
@Timeout(180)
class LatentsIT {

  private static final int W_DIM = TinyBundles.CONDITIONAL.wDim();
  private static final int NUM_WS = TinyBundles.CONDITIONAL.network().numWs();
  private static final GenerateRequest SEED =
      GenerateRequest.newBuilder().setSeeds(Seeds.newBuilder().addValues(1)).build();
  private static final GenerateRequest W = w(W_DIM);
  private static final GenerateRequest REPEATED = w(NUM_WS * W_DIM);
  private static final GenerateRequest W_PLUS = w(NUM_WS * W_DIM, 0.25f);

  @TempDir
  Path root;

  @BeforeEach
  void makeModels() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    TinyBundles.unconditional(root.resolve("models"), "plain", "v1");
  }

  /** One w of 0.5s, and what is given in place of its last values. */
  private static GenerateRequest w(int length, Float... last) {
    return GenerateRequest.newBuilder().setW(Vectors.newBuilder().addValues(Vector.newBuilder()
        .addAllValues(Collections.nCopies(length - last.length, 0.5f)).addAllValues(List.of(last)))).build();
  }

  private ServerFixture start(boolean principals, String... lines) throws Exception {
    Path file = Files.writeString(root.resolve("lethe.yaml"), String.join("\n", lines) + "\n");
    Path who = Files.writeString(root.resolve("principals.yaml"),
        principal("artist", "generate") + principal("curator", "generate, latents") + principal("prober", "latents"));
    return ServerFixture.start(root, principals ? Map.of("auth.principals", who.toString()) : Map.of(),
        Optional.of(file));
  }

  private static String principal(String name, String roles) throws Exception {
    String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
        .digest((name + "-token").getBytes(StandardCharsets.UTF_8)));
    return "- {name: " + name + ", roles: [" + roles + "], token-sha256: " + hash + "}\n";
  }

  private static Channel as(ServerFixture server, String name) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + name + "-token");
    return ClientInterceptors.intercept(server.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** Asks by every method of both protocols: each gives an image. */
  private static void allowed(Channel channel, String model, GenerateRequest from) throws Exception {
    GenerateRequest request = from.toBuilder().setModel(model).build();
    var generation = GenerationServiceGrpc.newBlockingStub(channel);
    assertEquals(1, generation.generate(request).getImagesCount());
    generation.generateStream(request).forEachRemaining(image -> assertEquals(0, image.getIndex()));
    if (from == SEED || from == W) {
      return;
    }
    assertEquals(1, GRPCInferenceServiceGrpc.newBlockingStub(channel).modelInfer(infer(model, from)).getOutputsCount());
    assertEquals("", streamed(channel, infer(model, from)).getErrorMessage());
  }

  /** Asks by every method of both protocols: each refuses. */
  private static void refused(Channel channel, String model, GenerateRequest from, String reason) throws Exception {
    GenerateRequest request = from.toBuilder().setModel(model).build();
    var generation = GenerationServiceGrpc.newBlockingStub(channel);
    String denied = "PERMISSION_DENIED: w.values[0]: " + reason;
    assertEquals(denied, message(() -> generation.generate(request)));
    assertEquals(denied, message(() -> generation.generateStream(request).next()));
    if (from == W) {
      return;
    }
    denied = "PERMISSION_DENIED: input \"ws\": image 0: " + reason;
    assertEquals(denied, message(() -> GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .modelInfer(infer(model, from))));
    assertEquals(denied, streamed(channel, infer(model, from)).getErrorMessage());
  }

  private static String message(Runnable call) {
    return assertThrows(StatusRuntimeException.class, call::run).getMessage();
  }

  private static ModelInferRequest infer(String model, GenerateRequest from) {
    return ModelInferRequest.newBuilder().setModelName(model).addInputs(InferInputTensor.newBuilder().setName("ws")
        .setDatatype("FP32").addAllShape(List.of(1L, (long) NUM_WS, (long) W_DIM))
        .setContents(InferTensorContents.newBuilder()
            .addAllFp32Contents(from.getW().getValues(0).getValuesList()))).build();
  }

  private static ModelStreamInferResponse streamed(Channel channel, ModelInferRequest request) throws Exception {
    CompletableFuture<ModelStreamInferResponse> answer = new CompletableFuture<>();
    StreamObserver<ModelInferRequest> requests = GRPCInferenceServiceGrpc.newStub(channel).modelStreamInfer(
        new StreamObserver<>() {
          @Override
          public void onNext(ModelStreamInferResponse next) {
            answer.complete(next);
          }

          @Override
          public void onError(Throwable failure) {
            answer.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {}
        });
    requests.onNext(request);
    requests.onCompleted();
    return answer.get(60, TimeUnit.SECONDS);
  }

  private static String closed(String sent, String model, String instead) {
    return "is " + sent + ", which the setting latents of model " + model + " closes; send " + instead
        + ", or call with the role latents";
  }

  @Test
  void whatIsClosedIsOpenToTheRoleAlone() throws Exception {
    try (ServerFixture server = start(true, "latents: z")) {
      Channel artist = as(server, "artist");
      allowed(artist, "tiny", SEED);
      refused(artist, "tiny", W, closed("one w for all layers", "tiny", "seeds or z"));
      refused(artist, "tiny", REPEATED, closed("one w for all layers", "tiny", "seeds or z"));
      refused(artist, "tiny", W_PLUS, closed("a w for each layer", "tiny", "seeds or z"));
      Channel curator = as(server, "curator");
      for (GenerateRequest from : List.of(SEED, W, REPEATED, W_PLUS)) {
        allowed(curator, "tiny", from);
      }
      assertEquals("PERMISSION_DENIED: prober may not call lethe.v1.GenerationService/Generate: that needs the role"
          + " generate, and it has latents", message(() -> GenerationServiceGrpc
          .newBlockingStub(as(server, "prober")).generate(SEED)));
    }
  }

  @Test
  void aModelMayHaveARuleOfItsOwn() throws Exception {
    try (ServerFixture server = start(true, "latents: w", "per-model: {plain: {latents: w-plus}}")) {
      Channel artist = as(server, "artist");
      allowed(artist, "tiny", W);
      allowed(artist, "tiny", REPEATED);
      refused(artist, "tiny", W_PLUS,
          closed("a w for each layer", "tiny", "seeds, z or one w for all layers"));
      allowed(artist, "plain", W_PLUS);
    }
  }

  @Test
  void withoutAccessControlItHoldsForEveryone() throws Exception {
    try (ServerFixture server = start(false, "per-model: {plain: {latents: w}}")) {
      allowed(server.channel(), "tiny", W_PLUS);
      allowed(server.channel(), "plain", W);
      refused(server.channel(), "plain", W_PLUS,
          closed("a w for each layer", "plain", "seeds, z or one w for all layers"));
    }
  }

  /** What was unlearned is drawn in w+ nearly as before: by default nobody is served that. */
  @Test
  void unlearningClosesWhereNothingIsRedacted() throws Exception {
    Bundle made = TinyBundles.conditional(root.resolve("models"), "v2", 8);
    Bundle.seal(made.directory(), TinyBundles.card("tiny", "v2", "v1", TinyBundles.CONDITIONAL, Map.of()));
    try (ServerFixture server = start(true)) {
      Channel artist = as(server, "artist");
      for (GenerateRequest from : List.of(SEED, W, REPEATED)) {
        allowed(artist, "tiny", from);
      }
      refused(artist, "tiny", W_PLUS, closed("a w for each layer", "tiny", "seeds, z or one w for all layers"));
      allowed(artist, "plain", W_PLUS);
      allowed(as(server, "curator"), "tiny", W_PLUS);
      assertTrue(card(artist, "tiny").contains("\"w\""));
    }
    try (ServerFixture server = start(true, "latents: w-plus")) {
      allowed(as(server, "artist"), "tiny", W_PLUS);
    }
  }

  @Test
  void whatIsClosedIsNotOffered() throws Exception {
    try (ServerFixture server = start(true, "per-model: {tiny: {latents: z}}")) {
      Channel artist = as(server, "artist");
      Channel curator = as(server, "curator");
      assertEquals(List.of("seed", "z", "psi", "label"), inputs(artist, "tiny"));
      assertEquals(List.of("seed", "z", "ws", "psi", "label"), inputs(curator, "tiny"));
      assertEquals(List.of("seed", "z", "ws", "psi"), inputs(artist, "plain"));

      assertEquals(file("plain"), card(artist, "plain"));
      assertEquals(file("tiny"), card(curator, "tiny"));
      JsonNode expected = new ObjectMapper().readTree(file("tiny"));
      ((ObjectNode) expected).remove("w");
      assertEquals(expected, new ObjectMapper().readTree(card(artist, "tiny")));
    }
  }

  private String file(String model) throws IOException {
    return Files.readString(root.resolve("models").resolve(model).resolve("v1").resolve(Bundle.CARD));
  }

  private static String card(Channel channel, String model) {
    return ModelServiceGrpc.newBlockingStub(channel).getCard(GetCardRequest.newBuilder().setModel(model).build())
        .getCardJson();
  }

  /** What metadata tells; the configuration tells the same. */
  private static List<String> inputs(Channel channel, String model) {
    var stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
    List<String> told = stub.modelMetadata(ModelMetadataRequest.newBuilder().setName(model).build()).getInputsList()
        .stream().map(input -> input.getName()).toList();
    assertEquals(told, stub.modelConfig(ModelConfigRequest.newBuilder().setName(model).build()).getConfig()
        .getInputList().stream().map(input -> input.getName()).toList());
    return told;
  }
}
