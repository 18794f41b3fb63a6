package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.Seeds;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server with small limits: what it does with clients that ask for more. */
@Timeout(60)
class LimitsIT {

  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir
  static Path root;

  private static ServerFixture server;

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    server = ServerFixture.start(root, Map.of("max-batch", "1", "concurrency", "1", "max-queue", "8",
        "max-images", "10", "max-stream-images", "1000", "max-message", "1", "max-connections", "4",
        "max-streams", "100"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void floodIsRefusedWithTheTimeToWaitAndNoneIsLost() throws Exception {
    double before = server.metric("lethe_inference_refused_total{model=\"tiny\",}");
    List<Future<GenerateResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      answers.add(GenerationServiceGrpc.newFutureStub(server.channel()).generate(count(2)));
    }
    int refused = 0;
    for (Future<GenerateResponse> answer : answers) {
      try {
        assertEquals(2, answer.get().getImagesCount());
      } catch (ExecutionException e) {
        StatusRuntimeException refusal = (StatusRuntimeException) e.getCause();
        assertEquals(Code.RESOURCE_EXHAUSTED, refusal.getStatus().getCode(), refusal.toString());
        long pushback = Long.parseLong(refusal.getTrailers().get(PUSHBACK));
        assertTrue(pushback >= 10 && pushback <= 30_000, "pushback " + pushback);
        refused++;
      }
    }
    assertTrue(refused > 0 && refused < 400, refused + " of 400 refused");
    assertEquals(before + refused, server.metric("lethe_inference_refused_total{model=\"tiny\",}"));
    assertEquals(0, server.metric("lethe_inference_queue_length{model=\"tiny\",}"));
  }

  @Test
  void streamThatHasBegunIsNotCutOffByAFullQueue() throws Exception {
    var images = server.generation().generateStream(count(300));
    images.next();
    List<Future<GenerateResponse>> flood = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      flood.add(GenerationServiceGrpc.newFutureStub(server.channel()).generate(count(2)));
    }
    int received = 1;
    while (images.hasNext()) {
      images.next();
      received++;
    }
    assertEquals(300, received);
    for (Future<GenerateResponse> call : flood) {
      try {
        call.get();
      } catch (ExecutionException e) {
        assertEquals(Code.RESOURCE_EXHAUSTED, ((StatusRuntimeException) e.getCause()).getStatus().getCode());
      }
    }
  }

  @Test
  void tooManyImagesAreRefusedByName() {
    refused("count: is 11; it must be from 1 to 10", Code.INVALID_ARGUMENT,
        () -> server.generation().generate(count(11)));
    refused("count: is 1001; it must be from 1 to 1000", Code.INVALID_ARGUMENT,
        () -> server.generation().generateStream(count(1001)).next());
  }

  @Test
  void tooLargeMessageIsRefused() {
    Seeds.Builder seeds = Seeds.newBuilder();
    for (int i = 0; i < 300_000; i++) {
      seeds.addValues(-1);
    }
    refused("exceeds the limit of 1048576 bytes", Code.RESOURCE_EXHAUSTED,
        () -> server.generation().generate(GenerateRequest.newBuilder().setSeeds(seeds).build()));
  }

  @Test
  void callsAboveTheLimitOfAConnectionWaitAtTheClient() throws Exception {
    TinyBundles.conditional(root.resolve("other/models"), "v1", 7);
    ServerFixture other = ServerFixture.start(root.resolve("other"), Map.of("max-streams", "20"));
    ManagedChannel channel = other.newChannel();
    Set<Integer> begun = ConcurrentHashMap.newKeySet();
    List<ClientCall<?, ?>> calls = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      int number = i;
      ClientCall<GenerateRequest, GeneratedImage> call =
          channel.newCall(GenerationServiceGrpc.getGenerateStreamMethod(), CallOptions.DEFAULT);
      call.start(new ClientCall.Listener<>() {
        @Override
        public void onMessage(GeneratedImage image) {
          begun.add(number);
        }
      }, new Metadata());
      // A stream that is never read to its end; the server waits for its reader.
      call.sendMessage(count(100_000));
      call.halfClose();
      call.request(1);
      calls.add(call);
    }
    try {
      Until.holds(() -> begun.size() == 20);
      assertEquals(20, inFlight(other));
      // Which ones wait is not said: before the client knows of the limit, any may be sent and refused.
      begun.stream().limit(5).forEach(number -> calls.get(number).cancel("enough", null));
      // Unread images of the others take up the window of the connection that all share, so these read on.
      Until.holds(() -> {
        calls.forEach(call -> call.request(1));
        return begun.size() == 25;
      });
      assertEquals(20, inFlight(other));
      calls.forEach(call -> call.cancel("enough", null));
      Until.holds(() -> inFlight(other) == 0);
    } finally {
      channel.shutdownNow();
      other.close();
    }
  }

  @Test
  void connectionAboveTheLimitIsClosedAndAnotherTakesTheNextPlace() throws Exception {
    server.generation().generate(count(1));
    // This one's, and the one by which metrics are read; those of other tests may still be about to close.
    Until.holds(() -> server.metric("lethe_connections") == 2);
    ManagedChannel second = server.newChannel();
    ManagedChannel third = server.newChannel();
    ManagedChannel fourth = server.newChannel();
    try {
      GenerationServiceGrpc.newBlockingStub(second).generate(count(1));
      untilWorks(third);
      StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
          () -> GenerationServiceGrpc.newBlockingStub(fourth).generate(count(1)));
      assertEquals(Code.RESOURCE_EXHAUSTED, refusal.getStatus().getCode(), refusal.toString());
      assertTrue(refusal.getStatus().getDescription().contains("at its limit of 4 connections"), refusal.toString());
      third.shutdownNow();
      third.awaitTermination(5, TimeUnit.SECONDS);
      untilWorks(fourth);
    } finally {
      for (ManagedChannel channel : List.of(second, third, fourth)) {
        channel.shutdownNow();
        channel.awaitTermination(5, TimeUnit.SECONDS);
      }
    }
    assertTrue(server.metric("lethe_connections_refused_total") >= 1);
  }

  private static GenerateRequest count(int count) {
    return GenerateRequest.newBuilder().setCount(count).build();
  }

  private static double inFlight(ServerFixture server) throws Exception {
    return server.metric("lethe_grpc_requests_in_flight{method=\"lethe.v1.GenerationService/GenerateStream\",}");
  }

  private static void refused(String reason, Code code, Runnable call) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call::run);
    assertEquals(code, refusal.getStatus().getCode(), refusal.toString());
    assertTrue(refusal.getStatus().getDescription().contains(reason), refusal.toString());
  }

  private static void untilWorks(ManagedChannel channel) throws Exception {
    Until.holds(() -> {
      try {
        return GenerationServiceGrpc.newBlockingStub(channel).withWaitForReady()
            .withDeadlineAfter(2, TimeUnit.SECONDS).generate(count(1)).getImagesCount() == 1;
      } catch (StatusRuntimeException e) {
        return false;
      }
    });
  }
}
