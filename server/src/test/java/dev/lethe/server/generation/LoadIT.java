package dev.lethe.server.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ProcessFootprint;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.Seeds;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that cancel, run out of time and hang up at random, for {@code -Dlethe.test.load.seconds=30} seconds: 10
 * unless told otherwise, in up to four rounds. Nothing may be left of them.
 */
@Timeout(180)
class LoadIT {

  private static final int SECONDS = Integer.getInteger("lethe.test.load.seconds", 10);
  private static final int CLIENTS = 4;
  private static final int ROUNDS = 4;
  /** What a client may be told that gives its call up, or that a full server refuses. */
  private static final Set<Code> EXPECTED =
      Set.of(Code.OK, Code.CANCELLED, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED);

  @TempDir
  Path root;

  @Test
  void clientsThatGiveUpLeaveNothingBehind() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (ServerFixture server = ServerFixture.start(root, Map.of("max-queue", "64"))) {
      GenerateRequest probe = GenerateRequest.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_RAW)
          .setSeeds(Seeds.newBuilder().addValues(1)).build();
      GenerateResponse expected = server.generation().generate(probe);
      // The same load first, so that all threads and caches are there.
      load(server, Math.max(2, SECONDS / 4));
      ProcessFootprint before = settled(server);
      Map<Code, Integer> outcomes = load(server, SECONDS);
      ProcessFootprint after = settled(server);
      // Caches of native memory fill once or twice; a leak takes as much again in every round.
      for (int round = 1; round < ROUNDS && grown(before, after); round++) {
        before = after;
        load(server, SECONDS).forEach((code, count) -> outcomes.merge(code, count, Integer::sum));
        after = settled(server);
      }
      System.out.printf("%d s of load: %s, %.0f images dropped before they were made; before %s, after %s%n", SECONDS,
          outcomes, server.metric("lethe_inference_dropped_total{model=\"tiny\",}"), before, after);

      assertTrue(EXPECTED.containsAll(outcomes.keySet()), outcomes.toString());
      assertTrue(outcomes.keySet().containsAll(Set.of(Code.OK, Code.CANCELLED, Code.DEADLINE_EXCEEDED)),
          outcomes.toString());
      assertEquals(before.bufferBytes(), after.bufferBytes());
      assertEquals(1, after.versions());
      assertEquals(0, after.queued());
      assertEquals(before.connections(), after.connections());
      // The inference pool has up to four threads, and lets those go that idle.
      assertTrue(after.serverThreads() <= before.serverThreads() + 4, before + ", then " + after);
      assertFalse(grown(before, after), before + ", then " + after);
      float[] image = values(expected);
      float[] again = values(server.generation().generate(probe));
      for (int i = 0; i < image.length; i++) {
        assertEquals(image[i], again[i], 1e-5f);
      }
    }
  }

  private static boolean grown(ProcessFootprint before, ProcessFootprint after) {
    return after.residentKib() > before.residentKib() + 32 * 1024;
  }

  private static Map<Code, Integer> load(ServerFixture server, int seconds) throws Exception {
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      List<Future<Map<Code, Integer>>> running = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        Random random = new Random(i);
        running.add(clients.submit(() -> client(server, random, end)));
      }
      Map<Code, Integer> all = new EnumMap<>(Code.class);
      for (Future<Map<Code, Integer>> client : running) {
        client.get().forEach((code, count) -> all.merge(code, count, Integer::sum));
      }
      return all;
    } finally {
      clients.shutdown();
      clients.awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private static Map<Code, Integer> client(ServerFixture server, Random random, long end) throws Exception {
    Map<Code, Integer> outcomes = new EnumMap<>(Code.class);
    while (System.nanoTime() < end) {
      ManagedChannel channel = server.newChannel();
      try {
        for (int call = random.nextInt(50); call >= 0 && System.nanoTime() < end; call--) {
          outcomes.merge(call(GenerationServiceGrpc.newBlockingStub(channel), random), 1, Integer::sum);
        }
        // A hanging-up client: one call is not read to its end.
        GenerationServiceGrpc.newBlockingStub(channel).generateStream(count(10_000)).next();
      } catch (StatusRuntimeException e) {
        outcomes.merge(e.getStatus().getCode(), 1, Integer::sum);
      } finally {
        channel.shutdownNow();
        channel.awaitTermination(5, TimeUnit.SECONDS);
      }
    }
    return outcomes;
  }

  private static Code call(GenerationServiceGrpc.GenerationServiceBlockingStub stub, Random random) throws Exception {
    try {
      switch (random.nextInt(4)) {
        case 0 -> stub.generate(count(1 + random.nextInt(16)));
        case 1 -> stub.withDeadlineAfter(1 + random.nextInt(20), TimeUnit.MILLISECONDS)
            .generate(count(1 + random.nextInt(64)));
        case 2 -> {
          Future<GenerateResponse> answer = GenerationServiceGrpc.newFutureStub(stub.getChannel())
              .generate(count(1 + random.nextInt(64)));
          Thread.sleep(random.nextInt(10));
          return answer.cancel(true) ? Code.CANCELLED : Code.OK;
        }
        default -> {
          CancellableContext context = Context.current().withCancellation();
          try {
            return context.call(() -> {
              Iterator<GeneratedImage> images = stub.generateStream(count(1000));
              for (int i = random.nextInt(40); i >= 0; i--) {
                images.next();
              }
              return Code.CANCELLED;
            });
          } finally {
            context.cancel(null);
          }
        }
      }
      return Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private static GenerateRequest count(int count) {
    return GenerateRequest.newBuilder().setCount(count).build();
  }

  /** The footprint once the server has noticed that all its clients have gone. */
  private static ProcessFootprint settled(ServerFixture server) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(15);
    while (true) {
      ProcessFootprint now = ProcessFootprint.of(server, "tiny");
      // The fixture's two: its channel, and the one that reads the metrics.
      if (inFlight(server) == 0 && now.queued() == 0 && now.connections() == 2) {
        return now;
      }
      assertTrue(System.nanoTime() < limit, "calls that were given up are still there: " + now + ", in flight "
          + inFlight(server));
      Thread.sleep(50);
    }
  }

  private static double inFlight(ServerFixture server) throws Exception {
    return server.metric("lethe_grpc_requests_in_flight{method=\"lethe.v1.GenerationService/Generate\",}")
        + server.metric("lethe_grpc_requests_in_flight{method=\"lethe.v1.GenerationService/GenerateStream\",}");
  }

  private static float[] values(GenerateResponse response) {
    FloatBuffer buffer = response.getImages(0).getImage().getData().asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }
}
