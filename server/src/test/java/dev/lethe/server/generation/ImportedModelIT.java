package dev.lethe.server.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.golden.Golden;
import dev.lethe.models.stylegan2.GoldenNetworks;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.imports.GoldenImports;
import dev.lethe.models.stylegan2.imports.ImportedModel;
import dev.lethe.models.stylegan2.imports.ModelImport;
import dev.lethe.server.ServerFixture;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Job;
import dev.lethe.v1.NoiseMode;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Models of every source through a real server: the images of the implementations that wrote the files. */
class ImportedModelIT {

  private static final double TOLERANCE = 1e-4;

  @TempDir
  static Path root;

  private static ServerFixture server;
  private static ServerFixture plainServer;

  @BeforeAll
  static void start() throws IOException {
    for (String file : GoldenImports.FILES) {
      ImportedModel model = ModelImport.read(GoldenImports.copy(file, root), (values, all) -> {});
      List<String> labels = IntStream.range(0, model.config().classes()).mapToObj(Integer::toString).toList();
      StyleGan2Bundle.write(root.resolve("models").resolve(name(file)).resolve("v1"),
          new ModelCard(ModelCard.FORMAT_VERSION, name(file), "v1", null, ModelCard.STYLEGAN2, model.config().network(),
              labels, Map.of(), null, null, null, Map.of()), model.weights());
    }
    server = ServerFixture.start(root, Map.of("worker-command", "false"));
    plainServer = ServerFixture.start(root, Map.of("graphs", "bundle", "state", root.resolve("plain").toString(),
        "jobs",
        root.resolve("plain-jobs").toString()));
  }

  @AfterAll
  static void stop() {
    server.close();
    plainServer.close();
  }

  static List<String> files() {
    return GoldenImports.FILES;
  }

  private static String name(String file) {
    return file.substring(0, file.lastIndexOf('.'));
  }

  @ParameterizedTest
  @MethodSource("files")
  void generateGivesTheImagesOfItsSource(String file) {
    Golden golden = GoldenImports.expected(file);
    for (ServerFixture from : List.of(server, plainServer)) {
      assertClose(golden, "out.img", images(from, file, golden, 1));
      if (golden.names().contains("out.img_noise_none")) {
        assertClose(golden, "out.img_noise_none", images(from, file, golden, 1, NoiseMode.NOISE_MODE_NONE));
      }
      if (golden.names().contains("out.img_psi0.6")) {
        assertClose(golden, "out.img_psi0.6", images(from, file, golden, 0.6f));
      }
    }
  }

  private static void assertClose(Golden golden, String name, float[] actual) {
    double error = GoldenNetworks.relativeError(actual, golden.values(name));
    assertTrue(error < TOLERANCE, name + ": relative error " + error);
  }

  /** One call an image: each may have its own class. */
  private static float[] images(ServerFixture from, String file, Golden golden, float psi) {
    return images(from, file, golden, psi, NoiseMode.NOISE_MODE_CONST);
  }

  private static float[] images(ServerFixture from, String file, Golden golden, float psi, NoiseMode noise) {
    int count = (int) golden.shape("in.z")[0];
    float[] z = golden.values("in.z");
    float[] all = new float[golden.values("out.img").length];
    for (int i = 0; i < count; i++) {
      Vector.Builder latent = Vector.newBuilder();
      for (int k = 0; k < z.length / count; k++) {
        latent.addValues(z[i * z.length / count + k]);
      }
      GenerateRequest.Builder request = GenerateRequest.newBuilder().setModel(name(file)).setPsi(psi)
          .setNoiseMode(noise)
          .setFormat(ImageFormat.IMAGE_FORMAT_RAW).setZ(Vectors.newBuilder().addValues(latent));
      if (golden.names().contains("in.c")) {
        float[] c = golden.values("in.c");
        int classes = c.length / count;
        int row = i * classes;
        request.setLabel(Integer.toString(
            IntStream.range(0, classes).filter(k -> c[row + k] == 1).findFirst().orElseThrow()));
      }
      GeneratedImage image = from.generation().generate(request.build()).getImages(0);
      image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
          .get(all, i * all.length / count, all.length / count);
    }
    return all;
  }

  /** Random noise is another for each image, and leaves alone those that come with the model's own at the same time. */
  @Test
  void randomNoiseIsDrawnForEachImage() {
    Golden golden = GoldenImports.expected("ada-auto-64-gray.pkl");
    float[] once = images(server, "ada-auto-64-gray.pkl", golden, 1, NoiseMode.NOISE_MODE_RANDOM);
    float[] again = images(server, "ada-auto-64-gray.pkl", golden, 1, NoiseMode.NOISE_MODE_RANDOM);
    double apart = GoldenNetworks.relativeError(once, again);
    assertTrue(apart > 10 * TOLERANCE && apart < 1, "relative difference " + apart);
    assertClose(golden, "out.img", images(server, "ada-auto-64-gray.pkl", golden, 1));
  }

  /** The w that comes with an image draws it again. */
  @Test
  void theWOfAnImageDrawsItAgain() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder().setModel("ada-cifar-cond-32-rgb")
        .setFormat(ImageFormat.IMAGE_FORMAT_RAW).setPsi(0.7f).setLabel("3").setCount(3).setIncludeW(true);
    List<GeneratedImage> images = server.generation().generate(request.build()).getImagesList();
    Vectors.Builder ws = Vectors.newBuilder();
    images.forEach(image -> ws.addValues(image.getW()));
    List<GeneratedImage> again = server.generation().generate(GenerateRequest.newBuilder()
        .setModel("ada-cifar-cond-32-rgb")
        .setFormat(ImageFormat.IMAGE_FORMAT_RAW).setW(ws).build()).getImagesList();
    for (int i = 0; i < 3; i++) {
      assertTrue(GoldenNetworks.relativeError(floats(images.get(i)), floats(again.get(i))) < 1e-5);
      assertEquals(0, again.get(i).getW().getValuesCount());
    }
  }

  private static float[] floats(GeneratedImage image) {
    float[] values = new float[image.getImage().getData().size() / Float.BYTES];
    image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  @Test
  void unlearningSaysWhatAModelLacks() throws Exception {
    StatusRuntimeException noDiscriminator =
        refusal(UnlearnSpec.newBuilder().setModel("ada-g-only-32-rgb").setRecipe(Recipe.RECIPE_PAPER));
    assertEquals(Code.FAILED_PRECONDITION, noDiscriminator.getStatus().getCode());
    assertTrue(noDiscriminator.getMessage().contains("discriminator.onnx"), noDiscriminator.getMessage());
    assertTrue(noDiscriminator.getMessage().contains("lethe import"), noDiscriminator.getMessage());
    StatusRuntimeException noFeatures =
        refusal(UnlearnSpec.newBuilder().setModel("rosinality-32").setKind(UnlearnKind.UNLEARN_KIND_CLASS)
            .addClasses("0"));
    assertEquals(Code.FAILED_PRECONDITION, noFeatures.getStatus().getCode());
    assertTrue(noFeatures.getMessage().contains("features.onnx"), noFeatures.getMessage());
    assertTrue(noFeatures.getMessage().contains("lethe train features"), noFeatures.getMessage());
  }

  private static StatusRuntimeException refusal(UnlearnSpec.Builder spec) throws Exception {
    CompletableFuture<Job> answer = new CompletableFuture<>();
    StreamObserver<SubmitRequest> requests = UnlearningServiceGrpc.newStub(server.channel())
        .submit(new StreamObserver<>() {
          @Override
          public void onNext(Job job) {
            answer.complete(job);
          }

          @Override
          public void onError(Throwable error) {
            answer.completeExceptionally(error);
          }

          @Override
          public void onCompleted() {
            answer.completeExceptionally(Status.INTERNAL.withDescription("no answer").asException());
          }
        });
    requests.onNext(SubmitRequest.newBuilder().setSpec(spec).build());
    ExecutionException error = assertThrows(ExecutionException.class, () -> answer.get(30, TimeUnit.SECONDS));
    return (StatusRuntimeException) error.getCause();
  }
}
