package dev.lethe.server.openinference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelMetadataRequest;
import dev.lethe.inference.ModelReadyRequest;
import dev.lethe.inference.ModelRepositoryParameter;
import dev.lethe.inference.ModelStatisticsRequest;
import dev.lethe.inference.RepositoryIndexRequest;
import dev.lethe.inference.RepositoryModelLoadRequest;
import dev.lethe.inference.RepositoryModelUnloadRequest;
import dev.lethe.inference.ServerReadyRequest;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GetActiveVersionRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that are loaded and unloaded while the server runs. */
class RepositoryIT {

  @TempDir
  Path root;

  private ServerFixture server;
  private GRPCInferenceServiceBlockingStub stub;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 1);
    server = ServerFixture.start(root);
    stub = GRPCInferenceServiceGrpc.newBlockingStub(server.channel());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void anUnloadedModelIsRefusedUntilItIsLoaded() throws Exception {
    assertEquals(List.of("tiny v1 READY"), index());
    assertEquals("v1", infer("tiny", ""));

    unload("tiny");
    unload("tiny");
    assertEquals(List.of("tiny v1 UNAVAILABLE unloaded"), awaitClosed());
    assertFalse(ready("tiny"));
    for (Runnable use : List.<Runnable>of(
        () -> infer("tiny", ""),
        () -> infer("tiny", "v1"),
        () -> stub.modelMetadata(ModelMetadataRequest.newBuilder().setName("tiny").build()),
        () -> stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName("tiny").build()),
        () -> server.generation().generate(GenerateRequest.getDefaultInstance()),
        () -> server.models().getActiveVersion(GetActiveVersionRequest.getDefaultInstance()))) {
      refused(Code.UNAVAILABLE, use, "tiny", "unloaded");
    }
    assertEquals(0, server.metric("lethe_model_active_version{model=\"tiny\",version=\"v1\",}"));
    assertEquals(0, server.metric("lethe_model_loaded_versions{model=\"tiny\",}"));

    load("tiny");
    load("tiny");
    assertEquals("v1", infer("tiny", ""));
    assertTrue(ready("tiny"));
    assertEquals(1, server.metric("lethe_model_active_version{model=\"tiny\",version=\"v1\",}"));
    assertEquals(1, server.metric("lethe_model_loaded_versions{model=\"tiny\",}"));
  }

  @Test
  void loadTakesUpANewVersionAndANewModel() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v2", 2);
    TinyBundles.unconditional(root.resolve("models"), "late", "v1");
    assertEquals("v1", infer("tiny", ""));
    refused(Code.NOT_FOUND, () -> infer("late", ""), "late");
    assertEquals(List.of("late v1 UNAVAILABLE the model came after the server's start, and was not loaded",
        "tiny v1 READY", "tiny v2 UNAVAILABLE the first request that names this version loads it"), index());

    load("tiny");
    load("late");
    assertEquals("v2", infer("tiny", ""));
    assertEquals("v1", infer("late", ""));
    assertEquals(List.of("late v1 READY", "tiny v2 READY"), stub.repositoryIndex(
        RepositoryIndexRequest.newBuilder().setReady(true).build()).getModelsList().stream()
        .map(entry -> entry.getName() + " " + entry.getVersion() + " " + entry.getState()).toList());
  }

  @Test
  void aVersionThatWasActivatedStaysTheOneToLoad() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v2", 2);
    unload("tiny");
    assertEquals("", server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").build())
        .getPreviousVersion());
    assertEquals("v1", infer("tiny", ""));
    load("tiny");
    assertEquals("v1", infer("tiny", ""));
  }

  @Test
  void aBrokenVersionIsRefusedAndTheOldOneGoesOn() throws IOException {
    Path broken = TinyBundles.conditional(root.resolve("models"), "v2", 2).directory().resolve("synthesis.onnx");
    byte[] bytes = Files.readAllBytes(broken);
    Files.write(broken, Arrays.copyOf(bytes, bytes.length / 2));
    refused(Code.FAILED_PRECONDITION, () -> load("tiny"), "synthesis.onnx");
    assertEquals("v1", infer("tiny", ""));
  }

  @Test
  void ordersThatCannotBeFollowedAreRefused() {
    refused(Code.NOT_FOUND, () -> load("other"), "other", "tiny");
    refused(Code.NOT_FOUND, () -> load("../models/tiny"), "on disk");
    refused(Code.NOT_FOUND, () -> unload("other"), "other");
    refused(Code.INVALID_ARGUMENT, () -> unload(""), "model_name");
    refused(Code.INVALID_ARGUMENT, () -> stub.repositoryModelLoad(RepositoryModelLoadRequest.newBuilder()
        .setModelName("tiny").putParameters("file:v2/model.onnx", ModelRepositoryParameter.newBuilder()
            .setBytesParam(ByteString.EMPTY).build()).build()), "file:v2/model.onnx");
    refused(Code.INVALID_ARGUMENT, () -> stub.repositoryIndex(
        RepositoryIndexRequest.newBuilder().setRepositoryName("mine").build()), "repository_name");
  }

  private List<String> index() {
    return stub.repositoryIndex(RepositoryIndexRequest.getDefaultInstance()).getModelsList().stream()
        .map(entry -> (entry.getName() + " " + entry.getVersion() + " " + entry.getState() + " " + entry.getReason())
            .strip())
        .toList();
  }

  /** The index, once no version finishes its last requests any more. */
  private List<String> awaitClosed() throws InterruptedException {
    long end = System.nanoTime() + 10_000_000_000L;
    List<String> index = index();
    while (index.toString().contains("UNLOADING") && System.nanoTime() < end) {
      Thread.sleep(20);
      index = index();
    }
    return index;
  }

  private boolean ready(String model) {
    return stub.modelReady(ModelReadyRequest.newBuilder().setName(model).build()).getReady();
  }

  private void load(String model) {
    stub.repositoryModelLoad(RepositoryModelLoadRequest.newBuilder().setModelName(model).build());
  }

  private void unload(String model) {
    stub.repositoryModelUnload(RepositoryModelUnloadRequest.newBuilder().setModelName(model)
        .putParameters("unload_dependents", ModelRepositoryParameter.newBuilder().setBoolParam(false).build()).build());
  }

  /** The version that made an image. */
  private String infer(String model, String version) {
    return stub.modelInfer(ModelInferRequest.newBuilder().setModelName(model).setModelVersion(version)
        .addInputs(InferInputTensor.newBuilder().setName("seed").setDatatype("INT64").addShape(1)
            .setContents(InferTensorContents.newBuilder().addInt64Contents(1)))
        .build()).getModelVersion();
  }

  private static void refused(Code code, Runnable call, String... words) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    for (String word : words) {
      assertTrue(refusal.getStatus().getDescription().contains(word), refusal.getMessage() + " has no " + word);
    }
  }

  @Test
  void anOlderVersionIsNotLoadedInPlaceOfOneThatCannotBeRead() throws IOException {
    Path card = TinyBundles.conditional(root.resolve("models"), "v2", 2).directory().resolve("model.json");
    String good = Files.readString(card);
    Files.writeString(card, "{");
    refused(Code.FAILED_PRECONDITION, () -> load("tiny"), "version v2 of tiny is the newest, and cannot be read",
        "model.json");
    assertEquals("v1", infer("tiny", ""));
    Files.writeString(card, good);
    load("tiny");
    assertEquals("v2", infer("tiny", ""));
    // What was chosen goes before what is newest.
    Files.writeString(TinyBundles.conditional(root.resolve("models"), "v3", 2).directory().resolve("model.json"), "{");
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1").build());
    load("tiny");
    assertEquals("v1", infer("tiny", ""));
  }

  @Test
  void aServerWithoutALoadedModelIsNotReady() {
    assertTrue(stub.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
    unload("tiny");
    assertFalse(stub.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
    load("tiny");
    assertTrue(stub.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
  }
}
