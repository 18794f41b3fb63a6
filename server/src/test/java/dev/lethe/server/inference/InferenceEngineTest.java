package dev.lethe.server.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.models.files.FileTrees;
import dev.lethe.server.inference.ServingCompute.Graphs;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.tracing.Tracing;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** The engine on a tiny model: what batching must not change, and what it must drop and refuse. */
class InferenceEngineTest {

  private static final int LATENTS = 24;
  private static final Encoder<float[]> COPY = (image, ws) -> {
    float[] copy = new float[image.remaining()];
    image.get(copy);
    return copy;
  };

  private static Path root;
  private static Vertx vertx;
  private static Context context;
  private static Bundle bundle;
  private static List<Latent> latents;
  private static List<float[]> alone;

  @BeforeContainer
  static void start() throws Exception {
    root = Files.createTempDirectory("engine");
    vertx = Vertx.vertx();
    context = vertx.getOrCreateContext();
    bundle = TinyBundles.conditional(root, "v1", 7);
    latents = new ArrayList<>();
    int rowLength = bundle.card().network().numWs() * bundle.card().network().wDim();
    for (int i = 0; i < LATENTS; i++) {
      latents.add(i % 3 == 2 ? new Latent.W(NumpyRandom.normal(i, rowLength))
          : new Latent.Z(NumpyRandom.normal(i, TinyBundles.Z_DIM), i % TinyBundles.CLASSES, i % 2 == 0 ? 1 : 0.5f));
    }
    alone = new ArrayList<>();
    try (Engine one = new Engine(new BatchingOptions(1, Duration.ZERO, 1, 1000))) {
      for (Latent latent : latents) {
        alone.addAll(await(one.generate(List.of(latent))));
      }
    }
  }

  @AfterContainer
  static void stop() throws IOException {
    vertx.close();
    FileTrees.delete(root);
  }

  /** An engine with the one version open. */
  private static final class Engine implements AutoCloseable {

    final ServerMetrics metrics = new ServerMetrics();
    final InferenceEngine engine;
    final ServedGenerator generator;

    Engine(BatchingOptions options) throws IOException {
      this(options, Map.of());
    }

    Engine(BatchingOptions options, Map<String, ModelOptions> own) throws IOException {
      this(options, own, Graphs.AUTO);
    }

    Engine(BatchingOptions options, Map<String, ModelOptions> own, Graphs graph) throws IOException {
      engine = new InferenceEngine(
          new ServingCompute(Compute.cpu(1), Precision.FP32, graph), options, own, metrics,
          Tracing.off().tracer());
      generator = engine.open(bundle);
    }

    Future<List<float[]>> generate(List<Latent> request) {
      return engine.generate(generator, request, Noise.CONST, () -> false, COPY, context);
    }

    double metric(String nameAndLabels) {
      Matcher line = Pattern.compile("^" + Pattern.quote(nameAndLabels) + " (\\S+)$", Pattern.MULTILINE)
          .matcher(metrics.text());
      return line.find() ? Double.parseDouble(line.group(1)) : 0;
    }

    @Override
    public void close() {
      engine.close();
      generator.close();
      assertEquals(0, metric("lethe_inference_buffer_bytes"));
      assertEquals(0, metric("lethe_inference_queue_length{model=\"tiny\",}"));
    }
  }

  private static <T> T await(Future<T> future) throws Exception {
    try {
      return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  @Example
  void statisticsCountImagesRunsAndRequests() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(4, Duration.ZERO, 1, 1000))) {
      await(engine.generate(latents.subList(0, 6)));
      assertThrows(CancellationException.class, () -> await(
          engine.engine.generate(engine.generator, latents.subList(0, 3), Noise.CONST, () -> true, COPY, context)));
      GeneratorStatistics.Snapshot done = engine.generator.statistics().snapshot();
      assertEquals(1, done.succeeded().count());
      assertEquals(1, done.failed().count());
      assertEquals(6, done.compute().count());
      assertEquals(6, done.queue().count());
      assertEquals(6, done.batches().entrySet().stream()
          .mapToLong(batch -> batch.getKey() * batch.getValue().runs().count()).sum());
      // A run's time counts for each of its images, mapping's too; all of it passed within the request.
      long runs = done.batches().values().stream().mapToLong(batch -> batch.runs().nanoseconds()).sum();
      assertTrue(runs > 0 && runs < done.succeeded().nanoseconds(), done.toString());
      assertTrue(done.compute().nanoseconds() > runs, done.toString());
    }
  }

  @Example
  void theGraphForThisProcessorDrawsWhatTheBundlesOwnDraws() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(4, Duration.ZERO, 1, 1000), Map.of(), Graphs.BUNDLE)) {
      List<float[]> images = await(engine.generate(latents));
      boolean different = false;
      for (int i = 0; i < images.size(); i++) {
        assertArrayEquals(alone.get(i), images.get(i), 1e-5f);
        different |= !Arrays.equals(alone.get(i), images.get(i));
      }
      // Otherwise it is one graph, and nothing was compared.
      assertEquals(ChannelBlock.size().isPresent(), different);
    }
  }

  @Property(tries = 20)
  void imageDoesNotDependOnWhatItIsBatchedWith(@ForAll @IntRange(min = 1, max = 9) int maxBatch,
      @ForAll @IntRange(min = 1, max = 3) int concurrency,
      @ForAll @Size(min = 1, max = 12) List<@Size(min = 1, max = 9) List<@IntRange(max = LATENTS - 1) Integer>> calls)
      throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(maxBatch, Duration.ofMillis(1), concurrency, 1000))) {
      List<Future<List<float[]>>> answers = calls.stream()
          .map(call -> engine.generate(call.stream().map(latents::get).toList())).toList();
      for (int call = 0; call < calls.size(); call++) {
        List<float[]> images = await(answers.get(call));
        for (int i = 0; i < images.size(); i++) {
          assertArrayEquals(alone.get(calls.get(call).get(i)), images.get(i), 1e-5f);
        }
      }
    }
  }

  @Example
  void requestsShareBatches() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(8, Duration.ZERO, 1, 1000))) {
      CountDownLatch hold = new CountDownLatch(1);
      Future<List<Object>> first = engine.engine.generate(engine.generator, latents.subList(0, 1),
          Noise.CONST, () -> false,
          (image, ws) -> awaitUninterruptibly(hold), context);
      while (engine.metric("lethe_inference_compute_seconds_count{model=\"tiny\",stage=\"synthesis\",}") == 0) {
        Thread.sleep(5);
      }
      // While the only lane is at work, 16 requests of one image gather. Images made from w wait for nothing else.
      List<Future<List<float[]>>> others = IntStream.range(0, 16)
          .mapToObj(i -> engine.generate(latents.subList(2, 3))).toList();
      hold.countDown();
      await(first);
      for (Future<List<float[]>> other : others) {
        await(other);
      }
      assertEquals(3, engine.metric("lethe_inference_batch_images_count{model=\"tiny\",stage=\"synthesis\",}"));
      assertEquals(17, engine.metric("lethe_inference_batch_images_sum{model=\"tiny\",stage=\"synthesis\",}"));
    }
  }

  @Example
  void abandonedWorkIsDroppedBeforeItReachesTheSession() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(4, Duration.ZERO, 1, 1000))) {
      CountDownLatch hold = new CountDownLatch(1);
      Future<List<Object>> first = engine.engine.generate(engine.generator, latents.subList(0, 4),
          Noise.CONST, () -> false,
          (image, ws) -> awaitUninterruptibly(hold), context);
      AtomicBoolean gone = new AtomicBoolean();
      Future<List<float[]>> left = engine.engine.generate(engine.generator, latents,
          Noise.CONST, gone::get, COPY, context);
      gone.set(true);
      hold.countDown();
      await(first);
      assertThrows(CancellationException.class, () -> await(left));
      assertTrue(engine.metric("lethe_inference_batch_images_sum{model=\"tiny\",stage=\"synthesis\",}") <= 8);
      assertTrue(engine.metric("lethe_inference_dropped_total{model=\"tiny\",}") >= LATENTS - 4);
    }
  }

  @Example
  void fullQueueRefusesAndSaysWhenToTryAgain() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(1, Duration.ZERO, 1, 10))) {
      CountDownLatch hold = new CountDownLatch(1);
      Future<List<Object>> first = engine.engine.generate(engine.generator, latents.subList(0, 1),
          Noise.CONST, () -> false,
          (image, ws) -> awaitUninterruptibly(hold), context);
      while (engine.metric("lethe_inference_compute_seconds_count{model=\"tiny\",stage=\"synthesis\",}") == 0) {
        Thread.sleep(5);
      }
      AtomicBoolean gone = new AtomicBoolean();
      Future<List<float[]>> waiting = engine.engine.generate(engine.generator, latents.subList(0, 9),
          Noise.CONST, gone::get, COPY,
          context);
      Future<List<float[]>> refused = engine.generate(latents.subList(0, 2));
      assertThrows(Exception.class, () -> await(refused));
      Exhausted refusal = assertInstanceOf(Exhausted.class, refused.cause());
      assertTrue(refusal.getMessage().contains("model tiny is at its limit of 10 waiting images"), refusal::toString);
      long pushback = refusal.retryAfter().orElseThrow().toMillis();
      assertTrue(pushback >= 10 && pushback <= 30_000, "pushback " + pushback);
      // What has begun goes on, and images that nobody waits for any more take no room.
      Future<List<float[]>> begun = engine.engine.generateMore(engine.generator, latents.subList(0, 2), Noise.CONST,
          () -> false, COPY, context);
      gone.set(true);
      // One of the nine may be in a run of mapping, and stays. Two were begun, so there is room for seven.
      Future<List<float[]>> taken = engine.generate(latents.subList(0, 7));
      hold.countDown();
      await(first);
      assertThrows(CancellationException.class, () -> await(waiting));
      assertEquals(2, await(begun).size());
      assertEquals(7, await(taken).size());
      assertEquals(1, engine.metric("lethe_inference_refused_total{model=\"tiny\",}"));
    }
  }

  @Example
  void modelsHaveTheirOwnLimits() throws Exception {
    Bundle other = TinyBundles.unconditional(root, "plain", "v1");
    try (Engine engine = new Engine(new BatchingOptions(4, Duration.ZERO, 1, 10), Map.of("plain",
            new ModelOptions(new BatchingOptions(1, Duration.ZERO, 2, 3), Precision.FP32)));
        ServedGenerator plain = engine.engine.open(other)) {
      assertEquals(List.of(4, 1), List.of(engine.generator.batchSize(), plain.batchSize()));
      assertEquals(List.of(2, 3), List.of(engine.generator.window(), plain.window()));
      CountDownLatch hold = new CountDownLatch(1);
      // Both lanes of the one and the only lane of the other are at work; then four more images come to each.
      List<Future<List<Object>>> first = new ArrayList<>();
      for (ServedGenerator generator : List.of(plain, plain, engine.generator)) {
        first.add(engine.engine.generate(generator, latents.subList(2, 3), Noise.CONST, () -> false,
            (image, ws) -> awaitUninterruptibly(hold), context));
      }
      while (engine.metric("lethe_inference_compute_seconds_count{model=\"plain\",stage=\"synthesis\",}")
          + engine.metric("lethe_inference_compute_seconds_count{model=\"tiny\",stage=\"synthesis\",}") < 3) {
        Thread.sleep(5);
      }
      List<Latent> four = IntStream.range(0, 4).mapToObj(i -> latents.get(2)).toList();
      Future<List<float[]>> taken = engine.generate(four);
      // More than may wait are taken where none waits.
      Future<List<float[]>> many = engine.engine.generate(plain, four, Noise.CONST, () -> false, COPY, context);
      Future<List<float[]>> refused = engine.engine.generate(plain, four.subList(0, 1),
          Noise.CONST, () -> false, COPY, context);
      Future<List<float[]>> more = engine.generate(four);
      assertThrows(Exception.class, () -> await(refused));
      Exhausted refusal = assertInstanceOf(Exhausted.class, refused.cause());
      assertTrue(refusal.getMessage().contains("plain is at its limit of 3 waiting images"), refusal::toString);
      hold.countDown();
      for (Future<List<Object>> begun : first) {
        await(begun);
      }
      for (Future<List<float[]>> answer : List.of(taken, many, more)) {
        assertEquals(4, await(answer).size());
      }
      assertEquals(6, engine.metric("lethe_inference_batch_images_count{model=\"plain\",stage=\"synthesis\",}"));
      assertEquals(3, engine.metric("lethe_inference_batch_images_count{model=\"tiny\",stage=\"synthesis\",}"));
      assertEquals(0, engine.metric("lethe_inference_refused_total{model=\"tiny\",}"));
    }
  }

  @Example
  void failureOfOneEncodingFailsItsRequestAlone() throws Exception {
    try (Engine engine = new Engine(new BatchingOptions(8, Duration.ZERO, 1, 1000))) {
      Future<List<float[]>> failing = engine.engine.generate(engine.generator, latents.subList(0, 3),
          Noise.CONST, () -> false,
          (image, ws) -> {
            throw new IllegalStateException("no such format");
          }, context);
      Future<List<float[]>> other = engine.generate(latents.subList(0, 3));
      assertThrows(IllegalStateException.class, () -> await(failing));
      assertArrayEquals(alone.get(1), await(other).get(1), 1e-5f);
    }
  }

  @Example
  void batchThatNoBufferHoldsIsRefused() {
    IOException refusal = assertThrows(IOException.class,
        () -> new Engine(new BatchingOptions(1_000_000, Duration.ZERO, 1, 10)));
    assertTrue(refusal.getMessage().contains("tiny can have at most 524287 images in one"), refusal.getMessage());
  }

  private static Object awaitUninterruptibly(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
