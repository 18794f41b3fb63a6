package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.server.ProcessFootprint;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import io.grpc.ManagedChannel;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * 200 hot swaps under the load of several clients: none of them notices, and the last ones cost what the first ones
 * did.
 */
@Timeout(240)
class SwapSoakIT {

  private static final int SWAPS = Integer.getInteger("lethe.test.swaps", 200);
  private static final int COMPARED = 20;
  private static final int CLIENTS = 3;
  private static final int PAUSE_MS = 10;
  /** As narrow as it can be: what is tried is the swap, not the network. */
  private static final StyleGan2Config CONFIG = new StyleGan2Config(32, 1, 10, 8, 8, 1, 64, 2);

  @TempDir
  Path root;

  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicInteger answered = new AtomicInteger();

  @Test
  void swapsGoUnnoticedAndLeaveNothingBehind() throws Exception {
    Path models = root.resolve("models");
    for (int i = 1; i <= 2; i++) {
      StyleGan2Bundle.write(models.resolve("tiny/v" + i), TinyBundles.card("tiny", "v" + i, null, CONFIG, Map.of()),
          Weights.initialize(CONFIG, i));
    }
    Files.writeString(models.resolve("tiny/active"), "v1\n");
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try (ServerFixture server = ServerFixture.start(root)) {
      GenerateRequest request = GenerateRequest.newBuilder().setSeeds(Seeds.newBuilder().addValues(1)).setCount(3)
          .setFormat(ImageFormat.IMAGE_FORMAT_RAW).build();
      Map<String, float[]> expected = Map.of(
          "v1", pixels(server.generation().generate(request.toBuilder().setVersion("v1").build())),
          "v2", pixels(server.generation().generate(request.toBuilder().setVersion("v2").build())));
      // What a client was answered, by when: a latency counts as of a swap if a swap ran while it waited.
      List<Future<List<long[]>>> running = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        running.add(clients.submit(() -> ask(server, request, expected)));
      }
      untilAnswered(300);
      long swapsBegin = System.nanoTime();
      List<Double> seconds = new ArrayList<>();
      List<ProcessFootprint> footprints = new ArrayList<>();
      // Each look at memory stops all threads for a garbage collection: not what a swap does.
      List<long[]> looks = new ArrayList<>();
      for (int swap = 0; swap < SWAPS; swap++) {
        long began = System.nanoTime();
        server.models().activate(ActivateRequest.newBuilder().setModel("tiny")
            .setVersion(swap % 2 == 0 ? "v2" : "v1").build());
        seconds.add((System.nanoTime() - began) / 1e9);
        if (swap < COMPARED || swap >= SWAPS - COMPARED) {
          long looking = System.nanoTime();
          footprints.add(ProcessFootprint.of(server, "tiny"));
          looks.add(new long[] {looking, System.nanoTime()});
        }
      }
      long swapsEnd = System.nanoTime();
      untilAnswered(300);
      stop.set(true);
      List<long[]> calls = new ArrayList<>();
      for (Future<List<long[]>> client : running) {
        // A failed or wrong answer fails here.
        calls.addAll(client.get());
      }
      assertEquals(SWAPS, server.metric("lethe_model_swaps_total{model=\"tiny\",}"));
      double[] steady = sorted(calls.stream().filter(c -> c[1] < swapsBegin || c[0] > swapsEnd));
      double[] swapping = sorted(calls.stream().filter(c -> c[1] >= swapsBegin && c[0] <= swapsEnd
          && looks.stream().noneMatch(look -> c[1] >= look[0] && c[0] <= look[1])));
      System.out.printf("%d swaps, %d answers meanwhile: median %.1f ms and p99 %.1f ms; without swaps %.1f and %.1f%n",
          SWAPS, swapping.length, at(swapping, .5), at(swapping, .99), at(steady, .5), at(steady, .99));
      assertTrue(swapping.length > SWAPS, "only " + swapping.length + " answers while versions were swapped");
      checkFlat(seconds, footprints);
    } finally {
      stop.set(true);
      clients.shutdown();
    }
  }

  private List<long[]> ask(ServerFixture server, GenerateRequest request, Map<String, float[]> expected)
      throws Exception {
    List<long[]> calls = new ArrayList<>();
    ManagedChannel channel = server.newChannel();
    try {
      while (!stop.get()) {
        long began = System.nanoTime();
        GenerateResponse response = GenerationServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(20, TimeUnit.SECONDS).generate(request);
        calls.add(new long[] {began, System.nanoTime()});
        float[] image = pixels(response);
        float[] whole = expected.get(response.getVersion());
        for (int i = 0; i < whole.length; i++) {
          assertEquals(whole[i], image[i], 1e-5f);
        }
        answered.incrementAndGet();
        // A load that one core carries, so that latencies are those of the server and not of a queue.
        Thread.sleep(PAUSE_MS);
      }
    } finally {
      channel.shutdownNow();
      channel.awaitTermination(5, TimeUnit.SECONDS);
    }
    return calls;
  }

  private void untilAnswered(int more) throws InterruptedException {
    int goal = answered.get() + more;
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (answered.get() < goal) {
      assertTrue(System.nanoTime() < limit, "the clients get no answers");
      Thread.sleep(5);
    }
  }

  /** The last swaps against the first. */
  private static void checkFlat(List<Double> seconds, List<ProcessFootprint> footprints) {
    List<ProcessFootprint> first = footprints.subList(0, COMPARED);
    List<ProcessFootprint> last = footprints.subList(footprints.size() - COMPARED, footprints.size());
    System.out.printf("seconds for a swap by tenths of the run: %s%n", IntStream.range(0, 10).mapToObj(i ->
        "%.3f".formatted(median(seconds.subList(i * SWAPS / 10, (i + 1) * SWAPS / 10).stream().mapToDouble(d -> d))))
        .toList());
    System.out.printf("seconds for a swap, median of the first and last %d: %.3f, %.3f; first footprints %s, last %s%n",
        COMPARED, median(seconds.subList(0, COMPARED).stream().mapToDouble(d -> d)),
        median(seconds.subList(seconds.size() - COMPARED, seconds.size()).stream().mapToDouble(d -> d)),
        first.get(COMPARED - 1), last.get(COMPARED - 1));
    double before = median(first.stream().mapToDouble(ProcessFootprint::residentKib));
    double after = median(last.stream().mapToDouble(ProcessFootprint::residentKib));
    // The Java heap and the caches of malloc breathe; one leaked version a swap would be far above this.
    assertTrue(after <= before + 48 * 1024, "resident memory rose from " + before + " to " + after + " KiB");
    // Threads of versions that are closing come and go; one that stays behind a swap would be 200.
    assertTrue(max(last, ProcessFootprint::threads) <= max(first, ProcessFootprint::threads) + 16,
        "threads: " + first + ", then " + last);
    // The active one, one or two that end, and v1 or v2 as it was asked for by name before the swaps; with their
    // buffers.
    assertTrue(max(last, ProcessFootprint::versions) <= 4, "versions: " + last);
    assertTrue(max(last, ProcessFootprint::bufferBytes) <= 4 * max(first, ProcessFootprint::bufferBytes),
        "buffers: " + first + ", then " + last);
  }

  private static double max(List<ProcessFootprint> footprints, ToDoubleFunction<ProcessFootprint> of) {
    return footprints.stream().mapToDouble(of).max().orElseThrow();
  }

  private static double median(DoubleStream values) {
    return at(values.sorted().toArray(), .5);
  }

  /** Durations in milliseconds. */
  private static double[] sorted(Stream<long[]> calls) {
    return calls.mapToDouble(call -> (call[1] - call[0]) / 1e6).sorted().toArray();
  }

  private static double at(double[] sorted, double quantile) {
    return sorted[(int) (quantile * (sorted.length - 1))];
  }

  private static float[] pixels(GenerateResponse response) {
    float[] all = new float[response.getImagesCount() * 32 * 32];
    for (int i = 0; i < response.getImagesCount(); i++) {
      FloatBuffer image = response.getImages(i).getImage().getData().asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      image.get(all, i * 32 * 32, 32 * 32);
    }
    return all;
  }
}
