package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.lethe.inference.ModelConfig;
import dev.lethe.inference.ModelConfigRequest;
import dev.lethe.inference.RepositoryModelLoadRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A server of two models, one of which has settings of its own. */
@Timeout(60)
class PerModelIT {

  @TempDir
  Path root;

  @BeforeEach
  void makeModels() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 1);
    TinyBundles.unconditional(root.resolve("models"), "plain", "v1");
  }

  private ServerFixture start(String... lines) throws IOException {
    Path file = Files.writeString(root.resolve("lethe.yaml"), String.join("\n", lines) + "\n");
    return ServerFixture.start(root, Map.of("max-batch", "4", "max-queue-delay", "1", "concurrency", "1"),
        Optional.of(file));
  }

  @Test
  void batchesAreThoseOfEachModelAndItsConfigurationSaysSo() throws Exception {
    try (ServerFixture server = start("per-model:", "  plain:", "    max-batch: 2", "    max-queue-delay: 2.5",
        "    concurrency: 3")) {
      assertEquals("[4] 1000 1", batching(server, "tiny"));
      assertEquals("[2] 2500 3", batching(server, "plain"));
      assertEquals(8, pixels(server, "tiny", 8).length / (32 * 32));
      assertEquals(8, pixels(server, "plain", 8).length / (3 * 32 * 32));
      assertEquals(8, batches(server, "tiny", "sum"));
      assertEquals(8, batches(server, "plain", "sum"));
      assertEquals(2, batches(server, "tiny", "count"));
      assertTrue(batches(server, "plain", "count") >= 4);
    }
  }

  @Test
  void precisionOfOneModelAloneIsChanged() throws IOException {
    float[] tiny;
    float[] plain;
    try (ServerFixture server = start()) {
      tiny = pixels(server, "tiny", 3);
      plain = pixels(server, "plain", 3);
    }
    try (ServerFixture server = start("per-model: {tiny: {precision: fp16}}")) {
      assertArrayEquals(plain, pixels(server, "plain", 3));
      assertRounded(tiny, pixels(server, "tiny", 3));
    }
    try (ServerFixture server = start("precision: fp16", "per-model: {tiny: {precision: fp32}}")) {
      assertArrayEquals(tiny, pixels(server, "tiny", 3));
      assertRounded(plain, pixels(server, "plain", 3));
    }
  }

  private static void assertRounded(float[] exact, float[] half) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < exact.length; i++) {
      difference += Math.pow(half[i] - exact[i], 2);
      norm += Math.pow(exact[i], 2);
    }
    double error = Math.sqrt(difference / norm);
    assertTrue(error > 1e-6 && error < 5e-3, "relative error " + error);
  }

  @Test
  void settingsOfAModelThatIsNotThereYetHoldOnceItIsLoaded() throws Exception {
    Logger logger = (Logger) LoggerFactory.getLogger(Server.class);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    try (ServerFixture server = start("per-model: {late: {max-batch: 1}, tiny: {max-batch: 3}}")) {
      assertEquals(List.of("WARN per-model.late: there is no model late yet; there are [plain, tiny]. These settings"
          + " hold once it is loaded"), log.list.stream().map(event -> event.getLevel() + " "
          + event.getFormattedMessage()).toList());
      TinyBundles.unconditional(root.resolve("models"), "late", "v1");
      stub(server).repositoryModelLoad(RepositoryModelLoadRequest.newBuilder().setModelName("late").build());
      pixels(server, "late", 3);
      assertEquals(3, batches(server, "late", "count"));
      assertEquals("[1] 1000 1", batching(server, "late"));
    } finally {
      logger.detachAppender(log);
    }
  }

  private static GRPCInferenceServiceBlockingStub stub(ServerFixture server) {
    return GRPCInferenceServiceGrpc.newBlockingStub(server.channel());
  }

  /** Images in a batch, its delay in microseconds, batches at once. */
  private static String batching(ServerFixture server, String model) {
    ModelConfig config = stub(server).modelConfig(ModelConfigRequest.newBuilder().setName(model).build()).getConfig();
    return config.getDynamicBatching().getPreferredBatchSizeList() + " "
        + config.getDynamicBatching().getMaxQueueDelayMicroseconds() + " " + config.getInstanceGroup(0).getCount();
  }

  private static double batches(ServerFixture server, String model, String what) throws Exception {
    return server.metric("lethe_inference_batch_images_" + what + "{model=\"" + model + "\",stage=\"synthesis\",}");
  }

  private static float[] pixels(ServerFixture server, String model, int count) {
    Seeds.Builder seeds = Seeds.newBuilder();
    for (int seed = 0; seed < count; seed++) {
      seeds.addValues(seed);
    }
    List<FloatBuffer> images = server.generation().generate(GenerateRequest.newBuilder().setModel(model)
        .setSeeds(seeds).setFormat(ImageFormat.IMAGE_FORMAT_RAW).build()).getImagesList().stream()
        .map(image -> image.getImage().getData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer())
        .toList();
    FloatBuffer all = FloatBuffer.allocate(images.stream().mapToInt(FloatBuffer::remaining).sum());
    images.forEach(all::put);
    return Arrays.copyOf(all.array(), all.position());
  }
}
