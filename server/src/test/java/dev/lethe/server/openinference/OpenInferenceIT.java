package dev.lethe.server.openinference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.inference.DataType;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.lethe.inference.InferParameter;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelConfig;
import dev.lethe.inference.ModelConfigRequest;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelInferRequest.InferRequestedOutputTensor;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelMetadataRequest;
import dev.lethe.inference.ModelMetadataResponse;
import dev.lethe.inference.ModelReadyRequest;
import dev.lethe.inference.ModelStatistics;
import dev.lethe.inference.ModelStatisticsRequest;
import dev.lethe.inference.ModelStreamInferResponse;
import dev.lethe.inference.ServerLiveRequest;
import dev.lethe.inference.ServerMetadataRequest;
import dev.lethe.inference.ServerMetadataResponse;
import dev.lethe.inference.ServerReadyRequest;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients of the Open Inference Protocol see of two models: {@code tiny} with classes, {@code plain} without. */
class OpenInferenceIT {

  private static final int VALUES = 32 * 32;

  @TempDir
  static Path root;

  private static ServerFixture server;
  private static GRPCInferenceServiceBlockingStub stub;

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7, "three");
    TinyBundles.unconditional(root.resolve("models"), "plain", "v1");
    TinyBundles.unconditional(root.resolve("models"), "plain", "v2");
    server = ServerFixture.start(root);
    stub = GRPCInferenceServiceGrpc.newBlockingStub(server.channel());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void serverIsLiveAndReadyAndSaysWhatItIs() {
    assertTrue(stub.serverLive(ServerLiveRequest.getDefaultInstance()).getLive());
    assertTrue(stub.serverReady(ServerReadyRequest.getDefaultInstance()).getReady());
    ServerMetadataResponse metadata = stub.serverMetadata(ServerMetadataRequest.getDefaultInstance());
    assertEquals("lethe", metadata.getName());
    assertTrue(metadata.getVersion().matches("\\d+\\.\\d+\\.\\d+.*"), metadata.getVersion());
    assertEquals(List.of("model_repository", "model_configuration"), metadata.getExtensionsList());
  }

  @Test
  void modelIsReadyWhereItAnswersAtOnce() {
    assertTrue(ready("tiny", ""));
    assertTrue(ready("tiny", "v1"));
    assertTrue(ready("plain", "v2"));
    assertFalse(ready("tiny", "v2"));
    assertFalse(ready("other", ""));
  }

  private static boolean ready(String model, String version) {
    return stub.modelReady(ModelReadyRequest.newBuilder().setName(model).setVersion(version).build()).getReady();
  }

  @Test
  void metadataTellsTensors() {
    ModelMetadataResponse tiny = metadata("tiny", "");
    assertEquals("tiny", tiny.getName());
    assertEquals(List.of("v1"), tiny.getVersionsList());
    assertEquals("onnxruntime_onnx", tiny.getPlatform());
    assertEquals(List.of("seed INT64 [-1, 1]", "z FP32 [-1, 16]", "ws FP32 [-1, 8, 16]", "psi FP32 [-1, 1]",
        "label BYTES [-1, 1]"), tensors(tiny.getInputsList()));
    assertEquals(List.of("image FP32 [-1, 1, 32, 32]", "png BYTES [-1, 1]"), tensors(tiny.getOutputsList()));
    ModelMetadataResponse plain = metadata("plain", "");
    assertEquals(List.of("v1", "v2"), plain.getVersionsList());
    assertEquals("image FP32 [-1, 3, 32, 32]", tensors(plain.getOutputsList()).get(0));
    assertFalse(plain.getInputsList().stream().anyMatch(tensor -> tensor.getName().equals("label")));
    assertEquals(List.of("v1"), metadata("plain", "v1").getVersionsList());
    assertRefused(Code.NOT_FOUND, () -> metadata("other", ""), "other", "tiny");
    assertRefused(Code.NOT_FOUND, () -> metadata("plain", "v3"), "v3", "[v1, v2]");
  }

  private static ModelMetadataResponse metadata(String model, String version) {
    return stub.modelMetadata(ModelMetadataRequest.newBuilder().setName(model).setVersion(version).build());
  }

  private static List<String> tensors(List<ModelMetadataResponse.TensorMetadata> tensors) {
    return tensors.stream().map(t -> t.getName() + " " + t.getDatatype() + " " + t.getShapeList()).toList();
  }

  @Test
  void configIsInTritonsTerms() {
    ModelConfig config = stub.modelConfig(ModelConfigRequest.newBuilder().setName("tiny").build()).getConfig();
    assertEquals("tiny", config.getName());
    assertEquals(256, config.getMaxBatchSize());
    assertEquals(List.of(8), config.getDynamicBatching().getPreferredBatchSizeList());
    assertEquals(2, config.getInstanceGroup(0).getCount());
    assertEquals(List.of(DataType.TYPE_INT64, DataType.TYPE_FP32, DataType.TYPE_FP32, DataType.TYPE_FP32,
        DataType.TYPE_STRING), config.getInputList().stream().map(input -> input.getDataType()).toList());
    assertEquals(List.of(8L, 16L), config.getInput(2).getDimsList());
    assertTrue(config.getInputList().stream().allMatch(input -> input.getOptional()));
    assertEquals(List.of(1L, 32L, 32L), config.getOutput(0).getDimsList());
    assertEquals("[\"three\"]", config.getParametersOrThrow("unlearned_labels").getStringValue());
    assertEquals("v1", config.getParametersOrThrow("version").getStringValue());
  }

  @Test
  void rawZGivesTheImageOfGenerate() {
    float[] first = NumpyRandom.normal(5, TinyBundles.Z_DIM);
    float[] second = NumpyRandom.normal(6, TinyBundles.Z_DIM);
    ModelInferResponse answer = stub.modelInfer(request("tiny").setId("a request")
        .addInputs(input("z", "FP32", 2, 16)).addRawInputContents(raw(first, second))
        .addInputs(input("label", "BYTES", 2)).addRawInputContents(raw("seven", "2"))
        .addInputs(input("psi", "FP32", 1)).addRawInputContents(raw(new float[] {0.7f}))
        .build());
    assertEquals("tiny", answer.getModelName());
    assertEquals("v1", answer.getModelVersion());
    assertEquals("a request", answer.getId());
    assertEquals("image", answer.getOutputs(0).getName());
    assertEquals("FP32", answer.getOutputs(0).getDatatype());
    assertEquals(List.of(2L, 1L, 32L, 32L), answer.getOutputs(0).getShapeList());
    assertEquals(1, answer.getRawOutputContentsCount());
    float[] both = floats(answer.getRawOutputContents(0));
    assertEquals(2 * VALUES, both.length);
    assertArrayEquals(generated(generate().setZ(vectors(first)).setLabel("7").setPsi(0.7f)),
        Arrays.copyOf(both, VALUES), 1e-5f);
    assertArrayEquals(generated(generate().setZ(vectors(second)).setLabel("two").setPsi(0.7f)),
        Arrays.copyOfRange(both, VALUES, 2 * VALUES), 1e-5f);
  }

  @Test
  void typedContentsMeanTheSame() {
    float[] z = NumpyRandom.normal(9, TinyBundles.Z_DIM);
    ModelInferResponse answer = stub.modelInfer(request("tiny")
        .putParameters("binary_data_output", InferParameter.newBuilder().setBoolParam(false).build())
        .addInputs(input("z", "FP32", 1, 16).setContents(fp32(z)))
        .addInputs(input("label", "INT64", 1, 1).setContents(int64(4)))
        .addInputs(input("psi", "FP32", 1, 1).setContents(fp32(1.2f)))
        .build());
    assertEquals(0, answer.getRawOutputContentsCount());
    InferTensorContents contents = answer.getOutputs(0).getContents();
    float[] image = new float[VALUES];
    for (int i = 0; i < VALUES; i++) {
      image[i] = contents.getFp32Contents(i);
    }
    assertEquals(VALUES, contents.getFp32ContentsCount());
    assertArrayEquals(generated(generate().setZ(vectors(z)).setLabel("four").setPsi(1.2f)), image, 1e-6f);
  }

  @Test
  void seedsAreThoseOfGenerateAndClassesGoRound() {
    ModelInferResponse answer = stub.modelInfer(request("tiny")
        .addInputs(input("seed", "INT64", 20, 1).setContents(int64(IntStream.range(50, 70).asLongStream().toArray())))
        .build());
    GenerateResponse expected = server.generation().generate(generate().setSeeds(seeds(50)).setCount(20).build());
    float[] images = floats(answer.getRawOutputContents(0));
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(floats(expected.getImages(i).getImage().getData()),
          Arrays.copyOfRange(images, i * VALUES, (i + 1) * VALUES), 1e-5f, "image " + i);
    }
  }

  @Test
  void wsAreTakenAsTheyAre() {
    float[] ws = NumpyRandom.normal(3, 8 * 16);
    ModelInferResponse answer = stub.modelInfer(request("tiny")
        .addInputs(input("ws", "FP32", 1, 8, 16)).addRawInputContents(raw(ws)).build());
    assertArrayEquals(generated(generate().setW(vectors(ws))), floats(answer.getRawOutputContents(0)), 1e-6f);
  }

  @Test
  void outputsComeAsAskedFor() throws Exception {
    ModelInferResponse answer = stub.modelInfer(request("tiny")
        .addInputs(input("seed", "INT64", 2).setContents(int64(1, 2)))
        .addInputs(input("label", "BYTES", 1).setContents(bytes("one")))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("png"))
        .addOutputs(InferRequestedOutputTensor.newBuilder().setName("image"))
        .build());
    assertEquals(List.of("png", "image"), answer.getOutputsList().stream().map(output -> output.getName()).toList());
    assertEquals("BYTES", answer.getOutputs(0).getDatatype());
    assertEquals(List.of(2L, 1L), answer.getOutputs(0).getShapeList());
    float[] images = floats(answer.getRawOutputContents(1));
    ByteBuffer files = answer.getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 2; i++) {
      byte[] png = new byte[files.getInt()];
      files.get(png);
      assertArrayEquals(Pixels.toBytes(Arrays.copyOfRange(images, i * VALUES, (i + 1) * VALUES)),
          ImageDecoder.decodeBytes(png, 1, 32));
    }
    assertFalse(files.hasRemaining());
  }

  @Test
  void aVersionOnDiskIsLoadedWhenItIsNamed() {
    ModelInferRequest.Builder request = request("plain")
        .addInputs(input("seed", "INT64", 1).setContents(int64(1)));
    assertEquals("v2", stub.modelInfer(request.build()).getModelVersion());
    assertEquals("v1", stub.modelInfer(request.setModelVersion("v1").build()).getModelVersion());
    assertTrue(ready("plain", "v1"));
  }

  @Test
  void badRequestsAreRefusedByTensorAndWhatItShouldBe() {
    InferInputTensor.Builder seed = input("seed", "INT64", 1).setContents(int64(1));
    refused(request("other").addInputs(seed), Code.NOT_FOUND, "other", "tiny");
    refused(request("").addInputs(seed), Code.INVALID_ARGUMENT, "[plain, tiny]");
    refused(request("tiny").setModelVersion("v9").addInputs(seed), Code.NOT_FOUND, "v9");
    refused(request("tiny"), Code.INVALID_ARGUMENT, "exactly one of seed, z and ws", "none");
    refused(request("tiny").addInputs(seed).addInputs(seed), Code.INVALID_ARGUMENT, "\"seed\"", "twice");
    refused(request("tiny").addInputs(seed).addInputs(input("z", "FP32", 1, 16).setContents(fp32(new float[16]))),
        Code.INVALID_ARGUMENT, "seed and z are given");
    refused(request("tiny").addInputs(seed).addInputs(input("latent", "FP32", 1)), Code.INVALID_ARGUMENT,
        "\"latent\"", "[seed, z, ws, psi, label]");
    refused(request("plain").addInputs(seed).addInputs(input("label", "BYTES", 1).setContents(bytes("one"))),
        Code.INVALID_ARGUMENT, "\"label\"", "[seed, z, ws, psi]");
    refused(request("tiny").addInputs(input("seed", "INT32", 1)), Code.INVALID_ARGUMENT, "\"seed\"", "INT64", "INT32");
    refused(request("tiny").addInputs(input("seed", "INT64", 1, 2)), Code.INVALID_ARGUMENT, "\"seed\"", "[1, 2]");
    refused(request("tiny").addInputs(input("seed", "INT64", 0)), Code.INVALID_ARGUMENT, "1 to 256", "[0]");
    refused(request("tiny").addInputs(input("seed", "INT64", 257)), Code.INVALID_ARGUMENT, "1 to 256", "[257]");
    refused(request("tiny").addInputs(input("seed", "INT64", 1).setContents(int64(1L << 32))), Code.INVALID_ARGUMENT,
        "\"seed\"", "4294967296", "4294967295");
    refused(request("tiny").addInputs(input("z", "FP32", 2, 15)), Code.INVALID_ARGUMENT, "\"z\"", "[n, 16]", "[2, 15]");
    refused(request("tiny").addInputs(input("z", "FP64", 2, 16)), Code.INVALID_ARGUMENT, "\"z\"", "FP32", "FP64");
    refused(request("tiny").addInputs(input("z", "FP32", 1, 16).setContents(fp32(new float[15]))),
        Code.INVALID_ARGUMENT, "\"z\"", "16 values", "15");
    refused(request("tiny").addInputs(input("z", "FP32", 1, 16)).addRawInputContents(raw(new float[15])),
        Code.INVALID_ARGUMENT, "\"z\"", "64 bytes", "60");
    float[] infinite = new float[16];
    infinite[3] = Float.NEGATIVE_INFINITY;
    refused(request("tiny").addInputs(input("z", "FP32", 1, 16).setContents(fp32(infinite))), Code.INVALID_ARGUMENT,
        "\"z\"", "value 3", "finite");
    refused(request("tiny").addInputs(input("ws", "FP32", 1, 16)), Code.INVALID_ARGUMENT, "\"ws\"", "[n, 8, 16]");
    refused(request("tiny").addInputs(input("ws", "FP32", 1, 8, 16)).addInputs(input("psi", "FP32", 1)),
        Code.INVALID_ARGUMENT, "\"psi\"", "ws");
    refused(request("tiny").addInputs(seed).addInputs(input("psi", "FP32", 1).setContents(fp32(2.1f))),
        Code.INVALID_ARGUMENT, "\"psi\"", "2.1", "0 to 2");
    refused(request("tiny").addInputs(seed).addInputs(input("psi", "FP32", 2).setContents(fp32(1, 1))),
        Code.INVALID_ARGUMENT, "\"psi\"", "[2]");
    refused(request("tiny").addInputs(seed).addInputs(input("label", "BYTES", 1).setContents(bytes("ten"))),
        Code.INVALID_ARGUMENT, "\"label\"", "\"ten\"", "zero");
    refused(request("tiny").addInputs(seed).addInputs(input("label", "INT64", 1).setContents(int64(-1))),
        Code.INVALID_ARGUMENT, "\"label\"", "-1", "0 to 9");
    refused(request("tiny").addInputs(seed).addInputs(input("label", "INT64", 1).setContents(int64(3))),
        Code.FAILED_PRECONDITION, "\"label\"", "three", "v1");
    refused(request("tiny").addInputs(seed).addInputs(input("label", "BYTES", 1).setContents(bytes("three"))),
        Code.FAILED_PRECONDITION, "\"label\"", "three");
    refused(request("tiny").addInputs(input("seed", "INT64", 1)).addInputs(input("label", "BYTES", 1))
        .addRawInputContents(raw(1L)).addRawInputContents(ByteString.copyFrom(new byte[] {9, 0, 0, 0, 'x'})),
        Code.INVALID_ARGUMENT, "\"label\"", "9 bytes", "1 are left");
    refused(request("tiny").addInputs(input("seed", "INT64", 1)).addInputs(input("label", "BYTES", 1))
        .addRawInputContents(raw(1L)).addRawInputContents(raw("one", "two")),
        Code.INVALID_ARGUMENT, "\"label\"", "1 values", "7 bytes left over");
    refused(request("tiny").setId("i".repeat(257)).addInputs(seed), Code.INVALID_ARGUMENT, "id: has 257 characters",
        "256");
    refused(request("tiny").addInputs(seed).addRawInputContents(raw(1L)), Code.INVALID_ARGUMENT, "\"seed\"",
        "contents");
    refused(request("tiny").addInputs(seed).addRawInputContents(raw(1L)).addRawInputContents(raw(1L)),
        Code.INVALID_ARGUMENT, "raw_input_contents", "2 for 1");
    refused(request("tiny").addInputs(seed).addOutputs(InferRequestedOutputTensor.newBuilder().setName("jpeg")),
        Code.INVALID_ARGUMENT, "\"jpeg\"", "[image, png]");
    InferParameter region = InferParameter.newBuilder().setStringParam("region").build();
    refused(request("tiny").addInputs(seed.clone().putParameters("shared_memory_region", region)),
        Code.INVALID_ARGUMENT, "\"seed\"", "shared memory");
    refused(request("tiny").addInputs(seed).addOutputs(InferRequestedOutputTensor.newBuilder().setName("image")
        .putParameters("classification", InferParameter.newBuilder().setInt64Param(1).build())),
        Code.INVALID_ARGUMENT, "\"image\"", "classification");
    refused(request("tiny").addInputs(seed).putParameters("binary_data_output", region), Code.INVALID_ARGUMENT,
        "binary_data_output", "bool_param");
  }

  @Test
  void streamAnswersInOrderAndGoesOnAfterARefusal() throws Exception {
    List<ModelInferRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      requests.add(request("tiny").setId("request " + i)
          .addInputs(input("seed", "INT64", 1).setContents(int64(i)))
          .addInputs(input("label", "BYTES", 1).setContents(bytes(i == 20 ? "three" : "one")))
          .build());
    }
    List<ModelStreamInferResponse> answers = stream(requests);
    assertEquals(IntStream.range(0, 40).mapToObj(i -> "request " + i).toList(),
        answers.stream().map(answer -> answer.getInferResponse().getId()).toList());
    assertTrue(answers.get(20).getErrorMessage().contains("three"), answers.get(20).getErrorMessage());
    assertEquals(0, answers.get(20).getInferResponse().getOutputsCount());
    for (int i : new int[] {0, 19, 21, 39}) {
      assertEquals("", answers.get(i).getErrorMessage());
      assertTrue(answers.get(i).getInferResponse().getParametersOrThrow("triton_final_response").getBoolParam());
      assertArrayEquals(generated(generate().setSeeds(seeds(i)).setLabel("one")),
          floats(answers.get(i).getInferResponse().getRawOutputContents(0)), 1e-5f);
    }
  }

  private static List<ModelStreamInferResponse> stream(List<ModelInferRequest> requests) throws Exception {
    List<ModelStreamInferResponse> answers = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    StreamObserver<ModelInferRequest> toServer = GRPCInferenceServiceGrpc.newStub(server.channel())
        .modelStreamInfer(new StreamObserver<>() {
          @Override
          public void onNext(ModelStreamInferResponse answer) {
            answers.add(answer);
          }

          @Override
          public void onError(Throwable failure) {
            end.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {
            end.complete(null);
          }
        });
    requests.forEach(toServer::onNext);
    toServer.onCompleted();
    end.get(30, TimeUnit.SECONDS);
    return answers;
  }

  @Test
  void nothingIsComputedForAClientThatDoesNotRead() throws Exception {
    ModelInferRequest request = request("plain").setModelVersion("v1")
        .addInputs(input("seed", "INT64", 8).setContents(int64(1, 2, 3, 4, 5, 6, 7, 8))).build();
    stub.modelInfer(request);
    long before = statistics("plain", "v1").getInferenceCount();
    ClientCall<ModelInferRequest, ModelStreamInferResponse> call = server.channel()
        .newCall(GRPCInferenceServiceGrpc.getModelStreamInferMethod(), CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    for (int i = 0; i < 200; i++) {
      call.sendMessage(request);
    }
    Until.holds(() -> statistics("plain", "v1").getInferenceCount() > before);
    long computed = Until.settled(() -> statistics("plain", "v1").getInferenceCount());
    // What the connection's buffers hold, about 1 MiB of answers of 96 KiB, and a few batches.
    assertTrue(computed - before >= 8 && computed - before <= 400, computed - before + " images of 1600");
    call.cancel("the test has seen enough", null);
    assertEquals(8, stub.withDeadlineAfter(10, TimeUnit.SECONDS).modelInfer(request).getOutputs(0).getShape(0));
  }

  @Test
  void statisticsCountWhatWasDone() throws Exception {
    ModelStatistics before = statistics("plain", "v2");
    stub.modelInfer(request("plain")
        .addInputs(input("seed", "INT64", 3).setContents(int64(1, 2, 3))).build());
    server.generation().generate(generate().setModel("plain").setSeeds(seeds(1)).setCount(2).build());
    ModelStatistics after = statistics("plain", "v2");
    assertEquals("plain", after.getName());
    assertEquals("v2", after.getVersion());
    assertEquals(5, after.getInferenceCount() - before.getInferenceCount());
    assertTrue(Math.abs(System.currentTimeMillis() - after.getLastInference()) < 60_000);
    assertEquals(2, after.getInferenceStats().getSuccess().getCount()
        - before.getInferenceStats().getSuccess().getCount());
    assertEquals(5, after.getInferenceStats().getQueue().getCount() - before.getInferenceStats().getQueue().getCount());
    assertTrue(after.getInferenceStats().getQueue().getNs() > before.getInferenceStats().getQueue().getNs());
    assertTrue(after.getInferenceStats().getComputeInfer().getNs()
        > before.getInferenceStats().getComputeInfer().getNs());
    assertTrue(after.getInferenceStats().getSuccess().getNs()
        > after.getInferenceStats().getComputeInfer().getNs() / 5);
    long runs = after.getBatchStatsList().stream().mapToLong(batch -> batch.getComputeInfer().getCount()).sum();
    long images = after.getBatchStatsList().stream()
        .mapToLong(batch -> batch.getBatchSize() * batch.getComputeInfer().getCount()).sum();
    assertEquals(after.getExecutionCount(), runs);
    assertEquals(after.getInferenceCount(), images);
    assertTrue(stub.modelStatistics(ModelStatisticsRequest.getDefaultInstance()).getModelStatsList().stream()
        .map(ModelStatistics::getName).collect(Collectors.toSet()).containsAll(List.of("plain", "tiny")));
    assertRefused(Code.NOT_FOUND, () -> statistics("plain", "v9"), "v9");
    assertRefused(Code.NOT_FOUND, () -> statistics("other", ""), "other");
  }

  private static ModelStatistics statistics(String model, String version) {
    return stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName(model).setVersion(version).build())
        .getModelStats(0);
  }

  private static void refused(ModelInferRequest.Builder request, Code code, String... words) {
    assertRefused(code, () -> stub.modelInfer(request.build()), words);
  }

  private static void assertRefused(Code code, Runnable call, String... words) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    for (String word : words) {
      assertTrue(refusal.getStatus().getDescription().contains(word), refusal.getMessage() + " has no " + word);
    }
  }

  private static ModelInferRequest.Builder request(String model) {
    return ModelInferRequest.newBuilder().setModelName(model);
  }

  private static InferInputTensor.Builder input(String name, String datatype, long... shape) {
    return InferInputTensor.newBuilder().setName(name).setDatatype(datatype)
        .addAllShape(Arrays.stream(shape).boxed().toList());
  }

  private static InferTensorContents fp32(float... values) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    for (float value : values) {
      contents.addFp32Contents(value);
    }
    return contents.build();
  }

  private static InferTensorContents int64(long... values) {
    return InferTensorContents.newBuilder().addAllInt64Contents(Arrays.stream(values).boxed().toList()).build();
  }

  private static InferTensorContents bytes(String... values) {
    return InferTensorContents.newBuilder()
        .addAllBytesContents(Arrays.stream(values).map(ByteString::copyFromUtf8).toList()).build();
  }

  private static ByteString raw(float[]... rows) {
    ByteBuffer bytes = ByteBuffer.allocate(rows.length * rows[0].length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer floats = bytes.asFloatBuffer();
    Arrays.stream(rows).forEach(floats::put);
    return ByteString.copyFrom(bytes);
  }

  private static ByteString raw(long value) {
    return ByteString.copyFrom(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value));
  }

  private static ByteString raw(String... texts) {
    ByteBuffer bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
    for (String text : texts) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      bytes.putInt(utf8.length).put(utf8);
    }
    return ByteString.copyFrom(bytes.flip());
  }

  private static float[] floats(ByteString raw) {
    FloatBuffer values = raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] copy = new float[values.remaining()];
    values.get(copy);
    return copy;
  }

  private static GenerateRequest.Builder generate() {
    return GenerateRequest.newBuilder().setModel("tiny").setFormat(ImageFormat.IMAGE_FORMAT_RAW);
  }

  private static float[] generated(GenerateRequest.Builder request) {
    return floats(server.generation().generate(request.build()).getImages(0).getImage().getData());
  }

  private static Seeds seeds(int seed) {
    return Seeds.newBuilder().addValues(seed).build();
  }

  private static Vectors vectors(float[] values) {
    Vector.Builder vector = Vector.newBuilder();
    for (float value : values) {
      vector.addValues(value);
    }
    return Vectors.newBuilder().addValues(vector).build();
  }
}
