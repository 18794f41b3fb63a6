package dev.lethe.server.inference;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.latent.NumpyRandom;
import dev.lethe.models.runtime.Compute;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.inference.ServingCompute.Graphs;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.ImageFormat;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How much of the bare sessions' speed the server passes on, and what a swap does to latency. Needs a machine to
 * itself, so it runs on request: {@code mvn -pl server -am test -Dgroups=slow -DexcludedGroups=none
 * -Dtest=ServingBenchmarkTest -Dsurefire.failIfNoSpecifiedTests=false}.
 * The model is the shipped one, or that of {@code -Dlethe.bench.models=DIR -Dlethe.bench.model=NAME}; {@code
 * -Dlethe.bench.seconds} is the length of one measurement, 3 by default, and {@code -Dlethe.bench.concurrency} as the
 * server's setting.
 *
 * <p>What is compared is measured in turns, several times, and the medians are reported.
 */
@Tag("slow")
class ServingBenchmarkTest {

  private static final Path MODELS = Path.of(System.getProperty("lethe.bench.models", "../onnx-models/bundles"));
  private static final String MODEL = System.getProperty("lethe.bench.model", "mnist");
  private static final double SECONDS = Double.parseDouble(System.getProperty("lethe.bench.seconds", "3"));
  private static final int ROUNDS = 5;
  private static final int THREADS = Runtime.getRuntime().availableProcessors();
  private static final ServingCompute COMPUTE = new ServingCompute(Compute.cpu(THREADS), Precision.FP32, Graphs.AUTO);
  private static final BatchingOptions OPTIONS = new BatchingOptions(0, Duration.ZERO,
      Integer.getInteger("lethe.bench.concurrency", 2), 4096);

  @TempDir
  Path root;

  @Test
  void throughputAndLatencyAgainstTheBareSessions() throws Exception {
    Bundle bundle = new DiskModelStore(MODELS, root).versions(MODEL).lastEntry().getValue();
    Vertx vertx = Vertx.vertx();
    Context context = vertx.getOrCreateContext();
    List<double[]> throughputs = new ArrayList<>();
    List<double[]> medians = new ArrayList<>();
    try (InferenceEngine engine = new InferenceEngine(COMPUTE, OPTIONS, Map.of(), new ServerMetrics(),
            Tracing.off().tracer());
        ServedGenerator generator = engine.open(bundle);
        GeneratorSessions sessions = GeneratorSessions.load(bundle, COMPUTE);
        MappingRun mapping = new MappingRun(sessions, generator.batchSize(), UnpooledByteBufAllocator.DEFAULT);
        SynthesisRun synthesis = new SynthesisRun(sessions, generator.batchSize(), UnpooledByteBufAllocator.DEFAULT);
        ServerFixture server = ServerFixture.start(root, Map.of("models", MODELS.toString(), "threads",
            Integer.toString(THREADS)))) {
      int batch = generator.batchSize();
      List<Latent.Z> zs = IntStream.range(0, batch)
          .mapToObj(i -> new Latent.Z(NumpyRandom.normal(i, bundle.card().network().zDim()), 0, 1)).toList();
      Callable<Integer> bare = () -> bare(mapping, synthesis, zs);
      Callable<Integer> bareSingle = () -> bare(mapping, synthesis, zs.subList(0, 1));
      Callable<Integer> engined = () -> engine.generate(generator, List.copyOf(zs), Noise.CONST, () -> false,
          (image, ws) -> copy(image), context).toCompletionStage().toCompletableFuture().get().size();
      Callable<Integer> enginedSingle = () -> engine.generate(generator, List.copyOf(zs.subList(0, 1)), Noise.CONST,
          () -> false, (image, ws) -> copy(image), context).toCompletionStage().toCompletableFuture().get().size();
      Callable<Integer> served = () -> generate(server, batch);
      Callable<Integer> servedSingle = () -> generate(server, 1);
      for (int round = 0; round <= ROUNDS; round++) {
        double[] throughput = {imagesPerSecond(bare, 1), imagesPerSecond(engined, 6), imagesPerSecond(served, 6)};
        double[] median = {medianMillis(bareSingle), medianMillis(enginedSingle), medianMillis(servedSingle)};
        // The first round warms up.
        if (round > 0) {
          throughputs.add(throughput);
          medians.add(median);
        }
      }
    } finally {
      vertx.close();
    }
    double[] throughput = columns(throughputs);
    double[] median = columns(medians);
    System.out.printf("images/s: sessions %.1f, engine %.1f (%.3f), gRPC with its clients beside it %.1f (%.3f)%n",
        throughput[0], throughput[1], throughput[1] / throughput[0], throughput[2], throughput[2] / throughput[0]);
    System.out.printf("one client, median ms: sessions %.2f, engine %.2f (%.3f), gRPC %.2f (%.3f)%n", median[0],
        median[1], median[1] / median[0], median[2], median[2] / median[0]);
    assertAll(
        () -> assertTrue(throughput[1] >= 0.95 * throughput[0], "the engine's throughput"),
        () -> assertTrue(median[1] <= 1.15 * median[0], "the engine's latency"));
  }

  @Test
  void swapsDoNotDoubleTheTail() throws Exception {
    Bundle first = new DiskModelStore(MODELS, root).versions(MODEL).lastEntry().getValue();
    Path models = root.resolve("models");
    for (String version : List.of("a", "b")) {
      Path copy = Files.createDirectories(models.resolve(MODEL).resolve(version));
      for (Path file : List.of(first.mapping(), first.synthesis(), first.discriminator(), first.features())) {
        if (Files.exists(file)) {
          Files.copy(file, copy.resolve(file.getFileName().toString()));
        }
      }
      Bundle.seal(copy, renamed(first.card(), version));
    }
    Files.writeString(models.resolve(MODEL).resolve("active"), "a\n");
    try (ServerFixture server = ServerFixture.start(root, Map.of("threads", Integer.toString(THREADS)))) {
      latencies(server, () -> Thread.sleep(100));
      double[] steady = latencies(server, () -> Thread.sleep(100));
      boolean[] even = {true};
      double[] swapping = latencies(server, () -> {
        even[0] = !even[0];
        server.models().activate(ActivateRequest.newBuilder().setModel(MODEL).setVersion(even[0] ? "a" : "b").build());
        Thread.sleep(100);
      });
      double calm = steady[(int) (.99 * (steady.length - 1))];
      double swapped = swapping[(int) (.99 * (swapping.length - 1))];
      System.out.printf("p99 ms at half load: steady %.1f, while versions are swapped %.1f (%.2f)%n", calm, swapped,
          swapped / calm);
      assertTrue(swapped <= 2 * calm, "the tail while versions are swapped");
    }
  }

  private static ModelCard renamed(ModelCard card, String version) {
    return new ModelCard(card.formatVersion(), card.name(), version, null, card.architecture(), card.network(),
        card.labels(), card.unlearnedLabels(), card.w(), null, null, Map.of());
  }

  private interface Step {
    void run() throws Exception;
  }

  /** Sorted latencies in ms of a client that asks for one image again and again, while the step is repeated. */
  private static double[] latencies(ServerFixture server, Step step) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService client = Executors.newSingleThreadExecutor();
    try {
      Future<double[]> latencies = client.submit(() -> {
        List<Double> all = new ArrayList<>();
        while (!stop.get()) {
          long began = System.nanoTime();
          generate(server, 1);
          long took = System.nanoTime() - began;
          all.add(took / 1e6);
          // As long as it took: half of what one client could ask for.
          Thread.sleep(took / 1_000_000, (int) (took % 1_000_000));
        }
        return all.stream().mapToDouble(d -> d).sorted().toArray();
      });
      long end = System.nanoTime() + (long) (ROUNDS * SECONDS * 1e9);
      while (System.nanoTime() < end) {
        step.run();
      }
      stop.set(true);
      return latencies.get();
    } finally {
      client.shutdown();
    }
  }

  private static int bare(MappingRun mapping, SynthesisRun synthesis, List<Latent.Z> zs) throws Exception {
    mapping.run(zs);
    synthesis.run(IntStream.range(0, zs.size()).mapToObj(mapping::ws).toList());
    return zs.size();
  }

  private static int generate(ServerFixture server, int count) {
    return server.generation().generate(GenerateRequest.newBuilder().setModel(MODEL).setCount(count)
        .setFormat(ImageFormat.IMAGE_FORMAT_RAW).build()).getImagesCount();
  }

  private static float[] copy(FloatBuffer image) {
    float[] copy = new float[image.remaining()];
    image.get(copy);
    return copy;
  }

  private static double imagesPerSecond(Callable<Integer> work, int callers) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    try {
      LongAdder images = new LongAdder();
      long began = System.nanoTime();
      long end = began + (long) (SECONDS * 1e9);
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        running.add(threads.submit(() -> {
          while (System.nanoTime() < end) {
            images.add(work.call());
          }
          return null;
        }));
      }
      for (Future<?> caller : running) {
        caller.get();
      }
      return images.sum() / ((System.nanoTime() - began) / 1e9);
    } finally {
      threads.shutdown();
    }
  }

  private static double medianMillis(Callable<Integer> work) throws Exception {
    List<Double> all = new ArrayList<>();
    long end = System.nanoTime() + (long) (SECONDS * 1e9);
    while (System.nanoTime() < end) {
      long began = System.nanoTime();
      work.call();
      all.add((System.nanoTime() - began) / 1e6);
    }
    return all.stream().mapToDouble(d -> d).sorted().toArray()[all.size() / 2];
  }

  private static double[] columns(List<double[]> rounds) {
    return IntStream.range(0, rounds.get(0).length).mapToDouble(column -> {
      double[] values = rounds.stream().mapToDouble(round -> round[column]).toArray();
      Arrays.sort(values);
      return values[values.length / 2];
    }).toArray();
  }
}
