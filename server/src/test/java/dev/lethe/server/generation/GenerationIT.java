package dev.lethe.server.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.Pixels;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Vectors;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationIT {

  private static final int VALUES = 32 * 32;

  @TempDir
  static Path root;

  private static Bundle bundle;
  private static ServerFixture server;

  @BeforeAll
  static void start() throws IOException {
    bundle = TinyBundles.conditional(root.resolve("models"), "v1", 7, "three");
    server = ServerFixture.start(root);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void seedGivesTheImageOfTheBundlesGraphs() throws Exception {
    GenerateResponse response = server.generation().generate(GenerateRequest.newBuilder()
        .setSeeds(seeds(4_000_000_000L)).setLabel("seven").setPsi(0.7f).setFormat(ImageFormat.IMAGE_FORMAT_RAW)
        .build());
    assertEquals("tiny", response.getModel());
    assertEquals("v1", response.getVersion());
    GeneratedImage image = response.getImages(0);
    assertEquals(4_000_000_000L, Integer.toUnsignedLong(image.getSeed()));
    assertEquals("seven", image.getLabel());
    assertEquals(List.of(1, 32, 32), image.getImage().getShapeList());
    float[] z = NumpyRandom.normal(4_000_000_000L, TinyBundles.Z_DIM);
    assertArrayEquals(reference(z, 7, 0.7f), raw(image), 1e-5f);
  }

  @Test
  void zAndWGiveTheSameImageAsTheSeedTheyComeFrom() throws Exception {
    float[] z = NumpyRandom.normal(5, TinyBundles.Z_DIM);
    float[] ws = mapping(z, 2, 1);
    float[] fromSeed = raw(one(request().setSeeds(seeds(5)).setLabel("2")));
    float[] fromZ = raw(one(request().setZ(vectors(z)).setLabel("two")));
    GeneratedImage imageFromW = one(request().setW(vectors(ws)));
    assertArrayEquals(fromSeed, fromZ);
    assertArrayEquals(fromSeed, raw(imageFromW), 1e-5f);
    assertFalse(imageFromW.hasLabel());
    assertFalse(imageFromW.hasSeed());
  }

  @Test
  void oneWIsTakenForEveryLayer() {
    float[] w = NumpyRandom.normal(6, 16);
    float[] repeated = new float[bundle.card().network().numWs() * 16];
    for (int i = 0; i < repeated.length; i++) {
      repeated[i] = w[i % 16];
    }
    assertArrayEquals(raw(one(request().setW(vectors(repeated)))), raw(one(request().setW(vectors(w)))));
  }

  @Test
  void labelsGoRoundTheClassesThatAreNotUnlearned() {
    GenerateResponse response = server.generation().generate(request().setSeeds(seeds(1)).setCount(11).build());
    List<String> labels = response.getImagesList().stream().map(GeneratedImage::getLabel).toList();
    assertEquals(List.of("zero", "one", "two", "four", "five", "six", "seven", "eight", "nine", "zero", "one"), labels);
    assertEquals(IntStream.rangeClosed(1, 11).boxed().toList(),
        response.getImagesList().stream().map(GeneratedImage::getSeed).toList());
    assertEquals(IntStream.range(0, 11).boxed().toList(),
        response.getImagesList().stream().map(GeneratedImage::getIndex).toList());
  }

  @Test
  void randomSeedsAreReportedAndGiveTheImageAgain() {
    GeneratedImage random = one(request().setLabel("one"));
    assertTrue(random.hasSeed());
    GeneratedImage again = one(request().setLabel("one")
        .setSeeds(seeds(Integer.toUnsignedLong(random.getSeed()))));
    assertEquals(random.getImage(), again.getImage());
    assertNotEquals(random.getImage(), one(request().setLabel("one")).getImage());
  }

  @Test
  void pngIsTheRawImageRoundedAndJpegIsClose() throws Exception {
    byte[] expected = Pixels.toBytes(raw(one(request().setSeeds(seeds(3)).setLabel("one"))));
    GeneratedImage png = one(GenerateRequest.newBuilder().setSeeds(seeds(3)).setLabel("one"));
    assertEquals(ImageFormat.IMAGE_FORMAT_PNG, png.getImage().getFormat());
    assertArrayEquals(expected, ImageDecoder.decodeBytes(png.getImage().getData().toByteArray(), 1, 32));
    byte[] jpeg = ImageDecoder.decodeBytes(one(request().setFormat(ImageFormat.IMAGE_FORMAT_JPEG)
        .setSeeds(seeds(3)).setLabel("one")).getImage().getData().toByteArray(), 1, 32);
    double error = IntStream.range(0, VALUES).map(i -> Math.abs((jpeg[i] & 0xff) - (expected[i] & 0xff)))
        .average().orElseThrow();
    assertTrue(error < 8, "mean error " + error);
  }

  @Test
  void streamGivesTheImagesOfUnaryInOrder() {
    GenerateRequest request = request().setSeeds(seeds(100)).setCount(37).build();
    Iterator<GeneratedImage> stream = server.generation().generateStream(request);
    List<GeneratedImage> streamed = new ArrayList<>();
    stream.forEachRemaining(streamed::add);
    List<GeneratedImage> unary = server.generation().generate(request).getImagesList();
    assertEquals(37, streamed.size());
    for (int i = 0; i < 37; i++) {
      assertEquals(i, streamed.get(i).getIndex());
      assertArrayEquals(raw(unary.get(i)), raw(streamed.get(i)), 1e-5f);
    }
  }

  @Test
  void badRequestsAreRefusedByFieldAndLimit() {
    refused(request().setLabel("ten"), Code.INVALID_ARGUMENT, "label", "\"ten\"", "zero");
    refused(request().setLabel("10"), Code.INVALID_ARGUMENT, "label", "0 to 9");
    refused(request().setLabel("three"), Code.FAILED_PRECONDITION, "label", "v1", "unlearned");
    refused(request().setPsi(2.01f), Code.INVALID_ARGUMENT, "psi", "2.01", "from 0 to 2");
    refused(request().setPsi(-0.1f), Code.INVALID_ARGUMENT, "psi");
    refused(request().setPsi(Float.NaN), Code.INVALID_ARGUMENT, "psi", "NaN");
    refused(request().setCount(0), Code.INVALID_ARGUMENT, "count", "1 to 256");
    refused(request().setCount(257), Code.INVALID_ARGUMENT, "count", "1 to 256");
    refused(request().setSeeds(seeds(1, 2)).setCount(3), Code.INVALID_ARGUMENT, "count", "2 latents");
    refused(request().setSeeds(seeds(0xffffffffL)).setCount(2), Code.INVALID_ARGUMENT, "seeds.values[0]", "4294967295");
    refused(request().setSeeds(Seeds.getDefaultInstance()), Code.INVALID_ARGUMENT, "seeds.values", "empty");
    refused(request().setZ(vectors(new float[15])), Code.INVALID_ARGUMENT, "z.values[0]", "15", "16");
    float[] infinite = new float[16];
    infinite[3] = Float.POSITIVE_INFINITY;
    refused(request().setZ(vectors(new float[16], infinite)), Code.INVALID_ARGUMENT, "z.values[1].values[3]", "finite");
    refused(request().setW(vectors(new float[17])), Code.INVALID_ARGUMENT, "w.values[0]", "16 (w_dim)", "128");
    float[] huge = new float[16];
    huge[0] = 1e20f;
    refused(request().setW(vectors(huge)), Code.INVALID_ARGUMENT, "values that are no numbers", "too large");
    refused(request().setW(vectors(new float[16])).setPsi(1), Code.INVALID_ARGUMENT, "psi");
    refused(request().setW(vectors(new float[16])).setLabel("one"), Code.INVALID_ARGUMENT, "label");
    refused(request().setFormatValue(9), Code.INVALID_ARGUMENT, "format", "9");
    refused(request().setModel("other"), Code.NOT_FOUND, "model", "other", "tiny");
    refused(request().setVersion("v9"), Code.NOT_FOUND, "version", "v9");
    refused(request().setVersion("../tiny/v1"), Code.NOT_FOUND, "version");
  }

  @Test
  void streamTakesMoreImagesThanUnaryButNotAnyNumber() {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
        () -> server.generation().generateStream(request().setCount(100_001).build()).next());
    assertEquals(Code.INVALID_ARGUMENT, refusal.getStatus().getCode());
    assertTrue(refusal.getStatus().getDescription().contains("1 to 100000"), refusal.getMessage());
  }

  @Test
  void tooLargeMessageIsRefusedAndTheConnectionGoesOn() {
    GenerateRequest.Builder huge = request();
    Vectors.Builder zs = Vectors.newBuilder();
    Vector vector = Vector.newBuilder().addAllValues(java.util.Collections.nCopies(3 << 20, 0f)).build();
    huge.setZ(zs.addValues(vector).addValues(vector).addValues(vector));
    StatusRuntimeException refusal = refusal(huge);
    assertEquals(Code.RESOURCE_EXHAUSTED, refusal.getStatus().getCode());
    assertTrue(refusal.getStatus().getDescription().contains("33554432"), refusal.getMessage());
    one(request());
  }

  @Test
  void compressedRequestIsReadButOnlyUpToTheLimit() {
    GenerateRequest small = request().setSeeds(seeds(8)).build();
    assertEquals(server.generation().generate(small), server.generation().withCompression("gzip").generate(small));
    Vector zeros = Vector.newBuilder().addAllValues(java.util.Collections.nCopies(9 << 20, 0f)).build();
    GenerateRequest bomb = request().setZ(Vectors.newBuilder().addValues(zeros)).build();
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
        () -> server.generation().withCompression("gzip").generate(bomb));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, refusal.getStatus().getCode());
  }

  private static void refused(GenerateRequest.Builder request, Code code, String... parts) {
    StatusRuntimeException refusal = refusal(request);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    for (String part : parts) {
      assertTrue(refusal.getStatus().getDescription().contains(part), refusal.getMessage() + " lacks " + part);
    }
  }

  private static StatusRuntimeException refusal(GenerateRequest.Builder request) {
    return assertThrows(StatusRuntimeException.class, () -> server.generation().generate(request.build()));
  }

  private static GeneratedImage one(GenerateRequest.Builder request) {
    return server.generation().generate(request.build()).getImages(0);
  }

  private static GenerateRequest.Builder request() {
    return GenerateRequest.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_RAW);
  }

  private static Seeds seeds(long... values) {
    Seeds.Builder seeds = Seeds.newBuilder();
    for (long value : values) {
      seeds.addValues((int) value);
    }
    return seeds.build();
  }

  private static Vectors vectors(float[]... rows) {
    Vectors.Builder vectors = Vectors.newBuilder();
    for (float[] row : rows) {
      Vector.Builder vector = Vector.newBuilder();
      for (float value : row) {
        vector.addValues(value);
      }
      vectors.addValues(vector);
    }
    return vectors.build();
  }

  private static float[] raw(GeneratedImage image) {
    FloatBuffer values = image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer();
    float[] pixels = new float[values.remaining()];
    values.get(pixels);
    return pixels;
  }

  private static float[] reference(float[] z, int label, float psi) {
    float[] ws = mapping(z, label, psi);
    try (InferenceSession synthesis = InferenceSession.open(bundle.synthesis(), Compute.cpu(1))) {
      long[] shape = {1, bundle.card().network().numWs(), 16};
      return synthesis.run(Map.of("ws", new Tensor(shape, ws))).get("image").data();
    }
  }

  private static float[] mapping(float[] z, int label, float psi) {
    float[] c = new float[TinyBundles.CLASSES];
    c[label] = 1;
    try (InferenceSession mapping = InferenceSession.open(bundle.mapping(), Compute.cpu(1))) {
      return mapping.run(Map.of("z", new Tensor(new long[] {1, z.length}, z),
          "c", new Tensor(new long[] {1, c.length}, c),
          "psi", new Tensor(new long[] {1, 1}, new float[] {psi}))).get("ws").data();
    }
  }
}
