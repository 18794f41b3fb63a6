package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.server.ServerFixture;
import dev.lethe.models.files.FileTrees;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Job;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * Erases the sevens of the shipped model by a real job, and then tries to have one drawn: through every version, both
 * protocols, and w copied from the card of before. A classifier that no part of the job knows says what is a seven.
 * Takes as long as the job, minutes on two cores; needs trainer to be built.
 */
@Tag("slow")
class ErasedForGoodIT {

  private static final int SEVEN = 7;
  private static final int SIDE = 32;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  Path root;

  private final Path home = Path.of("..").toAbsolutePath().normalize();
  private final InferenceSession judge = InferenceSession.open(
      home.resolve("onnx-models/evaluation/mnist-judge/features.onnx"), Compute.cpu(1));
  private ServerFixture server;

  private void start() throws IOException {
    Path trainer = home.resolve("trainer/target");
    server = ServerFixture.start(root, Map.of(
        "models", home.resolve("onnx-models/bundles").toString(),
        "data", home.resolve("onnx-models/mnist-sample").toString(),
        "worker-command", '"' + Path.of(System.getProperty("java.home"), "bin", "java").toString()
            + "\" -XX:+UseSerialGC -cp \"" + trainer.resolve("lethe-trainer-0.1.0.jar") + ":" + trainer.resolve("lib")
            + "/*\" dev.lethe.trainer.worker.Worker"));
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  /** Share of the pictures that show a seven, by the judge. */
  private double sevens(List<float[]> pictures) {
    float[] all = new float[pictures.size() * SIDE * SIDE];
    for (int i = 0; i < pictures.size(); i++) {
      System.arraycopy(pictures.get(i), 0, all, i * SIDE * SIDE, SIDE * SIDE);
    }
    float[] logits = judge.run(Map.of("image", new Tensor(new long[] {pictures.size(), 1, SIDE, SIDE}, all)))
        .get("logits").data();
    int classes = logits.length / pictures.size();
    int sevens = 0;
    for (int i = 0; i < pictures.size(); i++) {
      int best = 0;
      for (int c = 1; c < classes; c++) {
        best = logits[i * classes + c] > logits[i * classes + best] ? c : best;
      }
      sevens += best == SEVEN ? 1 : 0;
    }
    return (double) sevens / pictures.size();
  }

  private List<float[]> generate(GenerateRequest.Builder request) {
    GenerateResponse answer = server.generation().generate(request.setModel("mnist")
        .setFormat(ImageFormat.IMAGE_FORMAT_RAW).build());
    List<float[]> pictures = new ArrayList<>();
    answer.getImagesList().forEach(image -> {
      FloatBuffer raw = ByteBuffer.wrap(image.getImage().getData().toByteArray()).order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer();
      float[] picture = new float[SIDE * SIDE];
      raw.get(picture);
      pictures.add(picture);
    });
    return pictures;
  }

  private static Seeds seeds(int count) {
    return Seeds.newBuilder().addAllValues(Stream.iterate(0, i -> i + 1).limit(count).toList()).build();
  }

  /** w between the average of all classes and that of the sevens, and beyond. */
  private static Vectors towards(JsonNode w) {
    Vectors.Builder vectors = Vectors.newBuilder();
    JsonNode average = w.path("avg");
    JsonNode seven = w.path("class_avg").path(SEVEN);
    for (double psi : new double[] {0.6, 0.8, 1, 1.1, 1.2}) {
      Vector.Builder vector = Vector.newBuilder();
      for (int i = 0; i < average.size(); i++) {
        vector.addValues((float) (average.path(i).asDouble()
            + psi * (seven.path(i).asDouble() - average.path(i).asDouble())));
      }
      vectors.addValues(vector);
    }
    return vectors.build();
  }

  private List<float[]> infer(Vectors w, int numWs, String version) {
    int n = w.getValuesCount();
    int wDim = w.getValues(0).getValuesCount();
    InferTensorContents.Builder ws = InferTensorContents.newBuilder();
    w.getValuesList().forEach(vector -> {
      for (int layer = 0; layer < numWs; layer++) {
        ws.addAllFp32Contents(vector.getValuesList());
      }
    });
    FloatBuffer raw = GRPCInferenceServiceGrpc.newBlockingStub(server.channel()).modelInfer(ModelInferRequest
        .newBuilder().setModelName("mnist").setModelVersion(version).addInputs(InferInputTensor.newBuilder()
            .setName("ws").setDatatype("FP32").addShape(n).addShape(numWs).addShape(wDim).setContents(ws)).build())
        .getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    List<float[]> pictures = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      float[] picture = new float[SIDE * SIDE];
      raw.get(picture);
      pictures.add(picture);
    }
    return pictures;
  }

  private static void refused(String word, Executable call) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call);
    assertEquals(Code.FAILED_PRECONDITION, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
  }

  @Test
  void noCallDrawsASevenOnceTheyWereErased() throws Exception {
    start();
    String card = server.models().getCard(GetCardRequest.newBuilder().setModel("mnist").setVersion("v1").build())
        .getCardJson();
    JsonNode before = JSON.readTree(card);
    Vectors copied = towards(before.path("w"));
    int numWs = before.path("network").path("num_ws").asInt();
    // The judge knows sevens, and the model draws them: else nothing below would say anything.
    assertTrue(sevens(generate(GenerateRequest.newBuilder().setLabel("7").setSeeds(seeds(64)))) > 0.9);
    assertTrue(sevens(generate(GenerateRequest.newBuilder().setW(copied))) > 0.9);

    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("mnist", "7").build());
    assertTrue(job.getPromoted(), job.toString());
    refused("v1-u1", () -> generate(GenerateRequest.newBuilder().setLabel("7").setSeeds(seeds(1))));
    refused(job.getId(), () -> generate(GenerateRequest.newBuilder().setVersion("v1").setLabel("7")
        .setSeeds(seeds(1))));
    refused(job.getId(), () -> generate(GenerateRequest.newBuilder().setVersion("v1").setW(copied)));
    refused(job.getId(), () -> infer(copied, numWs, "v1"));
    refused(job.getId(), () -> server.models()
        .getCard(GetCardRequest.newBuilder().setModel("mnist").setVersion("v1").build()));
    JsonNode after = JSON.readTree(server.models()
        .getCard(GetCardRequest.newBuilder().setModel("mnist").build()).getCardJson());
    for (Vectors w : List.of(copied, towards(after.path("w")))) {
      for (String version : List.of("", "v1-u1")) {
        assertEquals(0, sevens(generate(GenerateRequest.newBuilder().setVersion(version).setW(w))));
        assertEquals(0, sevens(infer(w, numWs, version)));
      }
    }
    // What other classes draw may look like one to the judge now and then.
    assertTrue(sevens(generate(GenerateRequest.newBuilder().setSeeds(seeds(250)))) <= 0.01);

    stop();
    FileTrees.delete(root.resolve("state"));
    Files.createDirectory(root.resolve("state"));
    assertTrue(assertThrows(IOException.class, this::start).getMessage().contains("--confirm-lost-erasures"));
  }
}
