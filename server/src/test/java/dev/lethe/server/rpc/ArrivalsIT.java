package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelStreamInferResponse;
import dev.lethe.server.LogLines;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.ServerProcess;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;

/** What messages take of the server's memory while they come in. */
@Timeout(180)
class ArrivalsIT {

  private static final String ARRIVING = "lethe_grpc_arriving_bytes";
  private static final int LARGE = 900_000;
  /** As {@code lethe} and the image start it. */
  private static final String ENDS_WITHOUT_MEMORY = "-XX:+ExitOnOutOfMemoryError";

  @TempDir
  Path root;

  @Test
  void halfMessagesOfManyClientsAreBoundedTogether() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Vertx vertx = Vertx.vertx();
    try (ServerFixture server = ServerFixture.start(root, Map.of("max-arriving", "2", "max-message", "1"))) {
      io.vertx.core.http.HttpClient http = vertx.createHttpClient(new HttpClientOptions()
          .setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false));
      List<HttpClientRequest> calls = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        calls.add(begin(http, server));
        int before = i;
        Until.holds(() -> server.metric(ARRIVING) == (before + 1) * (LARGE + Inbound.PREFIX));
      }
      HttpClientResponse refused = await(begin(http, server).response());
      assertEquals("8", refused.getHeader("grpc-status"));
      String reason = URLDecoder.decode(refused.getHeader("grpc-message"), StandardCharsets.UTF_8);
      assertTrue(reason.contains("limit of 2097152 bytes"), reason);
      assertEquals("500", refused.getHeader("grpc-retry-pushback-ms"));
      assertEquals(1, server.metric("lethe_grpc_arrivals_refused_total"));

      // A client that goes away makes room, and so does an answer.
      calls.get(0).reset();
      Until.holds(() -> server.metric(ARRIVING) == LARGE + Inbound.PREFIX);
      HttpClientRequest third = begin(http, server);
      for (HttpClientRequest call : List.of(calls.get(1), third)) {
        call.end(Buffer.buffer(new byte[1_000_000 - LARGE]));
        assertEquals("3", await(call.response()).getHeader("grpc-status"));
      }
      Until.holds(() -> server.metric(ARRIVING) == 0);
      assertEquals(1, server.generation().generate(GenerateRequest.getDefaultInstance()).getImagesCount());
      Until.holds(() -> server.metric(ARRIVING) == 0);
    } finally {
      vertx.close();
    }
  }

  @Test
  void halfAMessageDoesNotHoldItsRoomForEver() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Vertx vertx = Vertx.vertx();
    try (ServerFixture server = ServerFixture.start(root, Map.of("keepalive", "1"))) {
      HttpClientRequest call = begin(vertx.createHttpClient(new HttpClientOptions()
          .setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(false)), server);
      HttpClientResponse late = await(call.response());
      assertEquals("4", late.getHeader("grpc-status"));
      Until.holds(() -> server.metric(ARRIVING) == 0);
    } finally {
      vertx.close();
    }
  }

  /** Sends 900,000 bytes of a message of 1,000,000. */
  private static HttpClientRequest begin(io.vertx.core.http.HttpClient http, ServerFixture server) throws Exception {
    HttpClientRequest call = await(http.request(HttpMethod.POST, server.port(), "127.0.0.1",
        "/lethe.v1.GenerationService/Generate"));
    call.setChunked(true).putHeader("content-type", "application/grpc").putHeader("te", "trailers");
    call.write(Buffer.buffer().appendByte((byte) 0).appendInt(1_000_000).appendBytes(new byte[LARGE]));
    return call;
  }

  private static <T> T await(io.vertx.core.Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @Test
  void aServerWithLittleMemoryRefusesAndGoesOn() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    List<ManagedChannel> channels = new ArrayList<>();
    try (ServerProcess server = ServerProcess.start(root, List.of("-Xmx128m", ENDS_WITHOUT_MEMORY),
        List.of("--threads=1", "--drain=5", "--handshake-timeout=60"))) {
      List<Future<ModelInferResponse>> answers = flood(server, channels);
      int exhausted = 0;
      int taken = 0;
      for (Future<ModelInferResponse> answer : answers) {
        try {
          answer.get();
        } catch (ExecutionException e) {
          StatusRuntimeException refusal = (StatusRuntimeException) e.getCause();
          if (refusal.getStatus().getCode() == Code.RESOURCE_EXHAUSTED) {
            assertTrue(refusal.getTrailers().containsKey(
                Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER)), refusal::toString);
            exhausted++;
          } else {
            assertEquals(Code.INVALID_ARGUMENT, refusal.getStatus().getCode(), () -> refusal + ", because of "
                + refusal.getStatus().getCause() + "; the server " + (server.process().isAlive() ? "lives" : "has ended"
                + " with " + server.process().exitValue()));
            taken++;
          }
        }
      }
      assertEquals(24, exhausted + taken);
      assertTrue(taken > 0 && exhausted > 0, taken + " taken, " + exhausted + " refused");
      assertEquals(1, GenerationServiceGrpc.newBlockingStub(server.channel())
          .generate(GenerateRequest.getDefaultInstance()).getImagesCount());
      channels.forEach(ManagedChannel::shutdownNow);
      server.process().destroy();
      assertTrue(server.process().waitFor(30, TimeUnit.SECONDS), "it has not ended");
      assertEquals(0, server.process().exitValue());
    }
  }

  /** 24 messages of 7 MiB at once, each on a connection of its own. */
  private static List<Future<ModelInferResponse>> flood(ServerProcess server, List<ManagedChannel> channels) {
    ModelInferRequest large = ModelInferRequest.newBuilder().setModelName("tiny")
        .addRawInputContents(ByteString.copyFrom(new byte[7 << 20])).build();
    List<Future<ModelInferResponse>> answers = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
      channels.add(channel);
      answers.add(GRPCInferenceServiceGrpc.newFutureStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS)
          .modelInfer(large));
    }
    return answers;
  }

  @Test
  void aServerWithoutMemoryEnds() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    List<ManagedChannel> channels = new ArrayList<>();
    // More may come in than there is memory.
    try (ServerProcess server = ServerProcess.start(root, List.of("-Xmx48m", ENDS_WITHOUT_MEMORY),
        List.of("--threads=1", "--max-arriving=1000"))) {
      flood(server, channels);
      assertTrue(server.process().waitFor(60, TimeUnit.SECONDS), "it goes on without memory");
      assertEquals(3, server.process().exitValue());
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
    for (String start : List.of("../lethe", "../Dockerfile")) {
      assertTrue(Files.readString(Path.of(start)).contains(ENDS_WITHOUT_MEMORY), start);
    }
  }

  @Test
  void compressionThatIsNotNamedIsRefusedAtOnce() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (ServerFixture server = ServerFixture.start(root);
        LogLines log = LogLines.of(Logger.ROOT_LOGGER_NAME)) {
      for (String method : List.of("lethe.v1.GenerationService/Generate", "lethe.v1.UnlearningService/Submit")) {
        try (RawHttp2 client = new RawHttp2(server.port()).preface()) {
          client.call(1, method, "localhost");
          client.bytes(1, new byte[] {1, 0, 0, 0, 3, 'a', 'b', 'c'}, true);
          RawHttp2.Frame end = client.end(1).orElseThrow();
          assertEquals("13", client.headers(end).get("grpc-status").toString());
        }
      }
      // Of the other form of bodies: none at all, and too short a one.
      HttpClient http = HttpClient.newHttpClient();
      for (String body : List.of("", "AAAA")) {
        HttpResponse<String> answer = http.send(HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + server.port() + "/lethe.v1.GenerationService/Generate"))
            .header("content-type", "application/grpc-web-text").version(HttpClient.Version.HTTP_1_1)
            .POST(HttpRequest.BodyPublishers.ofString(body)).timeout(Duration.ofSeconds(10)).build(),
            HttpResponse.BodyHandlers.ofString());
        assertEquals(200, answer.statusCode());
      }
      assertEquals(List.of(), log.all());
    }
  }

  @Test
  void aCancelledStreamOfInferencesIsNoNews() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (ServerFixture server = ServerFixture.start(root);
        LogLines log = LogLines.of(Logger.ROOT_LOGGER_NAME)) {
      ModelInferRequest.Builder request = ModelInferRequest.newBuilder().setModelName("tiny");
      InferTensorContents.Builder seeds = InferTensorContents.newBuilder();
      for (int i = 0; i < 64; i++) {
        seeds.addInt64Contents(i);
      }
      request.addInputs(InferInputTensor.newBuilder().setName("seed").setDatatype("INT64").addShape(64)
          .setContents(seeds));
      for (int round = 0; round < 10; round++) {
        ManagedChannel channel = server.newChannel();
        ClientCall<ModelInferRequest, ModelStreamInferResponse> call = channel.newCall(
            GRPCInferenceServiceGrpc.getModelStreamInferMethod(), CallOptions.DEFAULT);
        CountDownLatch answered = new CountDownLatch(1);
        call.start(new ClientCall.Listener<>() {
          @Override
          public void onMessage(ModelStreamInferResponse answer) {
            answered.countDown();
          }
        }, new Metadata());
        call.request(100);
        for (int i = 0; i < 20; i++) {
          call.sendMessage(request.build());
        }
        assertTrue(answered.await(30, TimeUnit.SECONDS));
        if (round % 2 == 0) {
          call.cancel("enough", null);
        }
        channel.shutdownNow();
      }
      Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{"
          + "method=\"inference.GRPCInferenceService/ModelStreamInfer\",}") == 0);
      Until.holds(() -> server.metric("lethe_inference_queue_length{model=\"tiny\",}") == 0);
      assertEquals(List.of(), log.all());
    }
  }
}
