package dev.lethe.server.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageFormat;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What holds for every call: flow control, cancellation, deadlines, health, reflection, metrics, plain HTTP. */
@Timeout(60)
class CallsIT {

  private static final String STREAM = "lethe.v1.GenerationService/GenerateStream";
  private static final String GENERATED = "lethe_images_generated_total{model=\"tiny\",}";
  private static final GenerateRequest LONG = GenerateRequest.newBuilder()
      .setCount(100_000).setFormat(ImageFormat.IMAGE_FORMAT_RAW).build();

  @TempDir
  static Path root;

  private static ServerFixture server;

  @BeforeAll
  static void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    server = ServerFixture.start(root);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void slowReaderHoldsUpItsStreamAndNothingElse() throws Exception {
    // HTTP/2's own window for this client, and no growing one.
    ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext()
        .flowControlWindow(65_535).build();
    ClientCall<GenerateRequest, GeneratedImage> call =
        channel.newCall(GenerationServiceGrpc.getGenerateStreamMethod(), CallOptions.DEFAULT);
    AtomicInteger received = new AtomicInteger();
    call.start(new ClientCall.Listener<>() {
      @Override
      public void onMessage(GeneratedImage image) {
        received.incrementAndGet();
      }
    }, new Metadata());
    double before = server.metric(GENERATED);
    call.sendMessage(LONG);
    call.halfClose();
    call.request(3);
    Until.holds(() -> received.get() == 3);
    double settled = settled();
    // Of 100,000: 3 received, at 4 KiB each 16 in HTTP/2's window, the server's write queue and its two batches of 8.
    assertTrue(settled - before <= 64, "generated " + (settled - before) + " images for a reader of 3");
    assertEquals(1, server.generation().generate(GenerateRequest.getDefaultInstance()).getImagesCount());
    call.request(200);
    Until.holds(() -> received.get() == 203);
    call.cancel("enough", null);
    Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{method=\"" + STREAM + "\",}") == 0);
    channel.shutdownNow();
  }

  @Test
  void cancelledStreamStopsTheWork() throws Exception {
    double cancelled = ended(STREAM, "CANCELLED");
    CompletableFuture<Void> first = new CompletableFuture<>();
    ClientCall<GenerateRequest, GeneratedImage> call = server.channel()
        .newCall(GenerationServiceGrpc.getGenerateStreamMethod(), CallOptions.DEFAULT);
    ClientCalls.asyncServerStreamingCall(call, LONG, observer(first));
    first.get(10, TimeUnit.SECONDS);
    call.cancel("no longer wanted", null);
    Until.holds(() -> ended(STREAM, "CANCELLED") == cancelled + 1);
    double settled = settled();
    // Images that were still wanted would have come before this one.
    assertEquals(1, server.generation().generate(GenerateRequest.getDefaultInstance()).getImagesCount());
    assertEquals(settled + 1, server.metric(GENERATED));
  }

  @Test
  void deadlineEndsTheCallAndTheWork() throws Exception {
    double late = ended(STREAM, "DEADLINE_EXCEEDED");
    Iterator<GeneratedImage> images = server.generation().withDeadlineAfter(300, TimeUnit.MILLISECONDS)
        .generateStream(LONG);
    StatusRuntimeException end = assertThrows(StatusRuntimeException.class, () -> images.forEachRemaining(i -> { }));
    assertEquals(Code.DEADLINE_EXCEEDED, end.getStatus().getCode());
    // The client's own clock may have ended the call a moment before the server's did.
    Until.holds(() -> ended(STREAM, "DEADLINE_EXCEEDED") + ended(STREAM, "CANCELLED") > late);
    double settled = settled();
    // Images that were still wanted would have come before this one.
    assertEquals(1, server.generation().generate(GenerateRequest.getDefaultInstance()).getImagesCount());
    assertEquals(settled + 1, server.metric(GENERATED));
  }

  @Test
  void lostConnectionEndsItsCalls() throws Exception {
    ManagedChannel channel = server.newChannel();
    CompletableFuture<Void> first = new CompletableFuture<>();
    ClientCalls.asyncServerStreamingCall(
        channel.newCall(GenerationServiceGrpc.getGenerateStreamMethod(), CallOptions.DEFAULT), LONG, observer(first));
    first.get(10, TimeUnit.SECONDS);
    channel.shutdownNow();
    Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{method=\"" + STREAM + "\",}") == 0);
    settled();
  }

  @Test
  void connectionCutWithoutGoodbyeEndsItsCalls() throws Exception {
    try (RawHttp2 client = new RawHttp2(server.port()).preface()) {
      client.call(1, STREAM, "localhost");
      client.message(1, LONG, true);
      Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{method=\"" + STREAM + "\",}") == 1);
    }
    Until.holds(() -> server.metric("lethe_grpc_requests_in_flight{method=\"" + STREAM + "\",}") == 0);
  }

  @Test
  void anAuthorityThatCannotBeReadEndsItsCallAndNoOther() throws Exception {
    try (RawHttp2 client = new RawHttp2(server.port()).preface()) {
      client.call(1, "grpc.health.v1.Health/Check", "local%host");
      assertEquals(RawHttp2.RST_STREAM, client.end(1).orElseThrow().type());
      client.call(3, "grpc.health.v1.Health/Check", "localhost");
      client.message(3, HealthCheckRequest.getDefaultInstance(), true);
      RawHttp2.Frame end = client.end(3).orElseThrow();
      assertEquals("0", client.headers(end).get("grpc-status").toString());
    }
  }

  @Test
  void garbageIsAnInvalidArgument() {
    var method = GenerationServiceGrpc.getGenerateMethod().toBuilder(new Garbage(),
        GenerationServiceGrpc.getGenerateMethod().getResponseMarshaller()).build();
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class,
        () -> ClientCalls.blockingUnaryCall(server.channel(), method, CallOptions.DEFAULT, new byte[] {-1, -1, -1}));
    assertEquals(Code.INVALID_ARGUMENT, refusal.getStatus().getCode(), refusal.getMessage());
  }

  @Test
  void unknownMethodIsUnimplemented() {
    var method = GenerationServiceGrpc.getGenerateMethod().toBuilder()
        .setFullMethodName("lethe.v1.GenerationService/Forget").build();
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> ClientCalls.blockingUnaryCall(
        server.channel(), method, CallOptions.DEFAULT, GenerateRequest.getDefaultInstance()));
    assertEquals(Code.UNIMPLEMENTED, refusal.getStatus().getCode());
  }

  @Test
  void healthIsToldAndItsEndToo() throws Exception {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(server.channel());
    for (String service : List.of("", "lethe.v1.GenerationService", "lethe.v1.UnlearningService")) {
      assertEquals(ServingStatus.SERVING, health.check(HealthCheckRequest.newBuilder().setService(service).build())
          .getStatus());
    }
    StatusRuntimeException unknown = assertThrows(StatusRuntimeException.class,
        () -> health.check(HealthCheckRequest.newBuilder().setService("x").build()));
    assertEquals(Code.NOT_FOUND, unknown.getStatus().getCode());

    TinyBundles.conditional(root.resolve("other/models"), "v1", 7);
    ServerFixture other = ServerFixture.start(root.resolve("other"));
    Iterator<HealthCheckResponse> watched = HealthGrpc.newBlockingStub(other.channel())
        .watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, watched.next().getStatus());
    ManagedChannel channel = other.newChannel();
    Iterator<HealthCheckResponse> end = HealthGrpc.newBlockingStub(channel)
        .watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, end.next().getStatus());
    other.close();
    assertEquals(ServingStatus.NOT_SERVING, end.next().getStatus());
    StatusRuntimeException closed = assertThrows(StatusRuntimeException.class, end::next);
    assertEquals(Status.Code.UNAVAILABLE, closed.getStatus().getCode());
    channel.shutdownNow();
  }

  @Test
  void closingLetsCallsInFlightEnd() throws Exception {
    TinyBundles.conditional(root.resolve("third/models"), "v1", 7);
    ServerFixture third = ServerFixture.start(root.resolve("third"), Map.of("drain", "60"));
    ManagedChannel channel = third.newChannel();
    try {
      Iterator<GeneratedImage> images = GenerationServiceGrpc.newBlockingStub(channel)
          .generateStream(GenerateRequest.newBuilder().setCount(1500).build());
      images.next();
      CompletableFuture<Void> closed = CompletableFuture.runAsync(third::close);
      int received = 1;
      while (images.hasNext()) {
        assertEquals(received, images.next().getIndex());
        received++;
      }
      assertEquals(1500, received);
      closed.get(30, TimeUnit.SECONDS);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void reflectionAnswersSeveralQuestionsOnOneStream() throws Exception {
    BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> questions = ServerReflectionGrpc.newStub(server.channel())
        .serverReflectionInfo(new StreamObserver<>() {
          @Override
          public void onNext(ServerReflectionResponse answer) {
            answers.add(answer);
          }

          @Override
          public void onError(Throwable failure) {
            end.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {
            end.complete(null);
          }
        });
    questions.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    assertEquals(List.of("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
        "inference.GRPCInferenceService", "lethe.v1.GenerationService", "lethe.v1.InspectionService",
        "lethe.v1.ModelService", "lethe.v1.UnlearningService"),
        answers.take().getListServicesResponse().getServiceList().stream().map(ServiceResponse::getName).toList());
    for (String symbol : List.of("lethe.v1.GenerationService", "lethe.v1.GenerationService.Generate",
        "lethe.v1.GenerateRequest", "lethe.v1.ImageFormat", "lethe.v1.UnlearnSpec", "google.protobuf.Timestamp",
        "inference.ModelConfig")) {
      questions.onNext(ServerReflectionRequest.newBuilder().setFileContainingSymbol(symbol).build());
      assertTrue(answers.take().getFileDescriptorResponse().getFileDescriptorProtoCount() > 0, symbol);
    }
    questions.onNext(ServerReflectionRequest.newBuilder().setFileByFilename("lethe/v1/unlearning.proto").build());
    assertEquals(3, answers.take().getFileDescriptorResponse().getFileDescriptorProtoCount());
    questions.onNext(ServerReflectionRequest.newBuilder().setFileContainingSymbol("lethe.v1.Nothing").build());
    assertEquals(Code.NOT_FOUND.value(), answers.take().getErrorResponse().getErrorCode());
    questions.onCompleted();
    end.get(5, TimeUnit.SECONDS);
  }

  @Test
  void plainHttpTellsHealthAndMetrics() throws Exception {
    server.generation().generate(GenerateRequest.getDefaultInstance());
    assertEquals(200, server.get("/healthz").statusCode());
    assertEquals(200, server.get("/readyz").statusCode());
    assertEquals(404, server.get("/nothing").statusCode());
    HttpResponse<String> metrics = server.get("/metrics");
    assertTrue(metrics.headers().firstValue("content-type").orElse("").startsWith("text/plain; version=0.0.4"));
    for (String name : List.of("lethe_grpc_requests_total{method=\"lethe.v1.GenerationService/Generate\",code=\"OK\",}",
        "lethe_grpc_request_seconds_bucket", "lethe_grpc_requests_in_flight", "lethe_images_generated_total",
        "lethe_inference_batch_images_bucket", "lethe_inference_queue_seconds_bucket",
        "lethe_inference_compute_seconds_bucket", "lethe_inference_queue_length{model=\"tiny\",}",
            "lethe_model_active_version",
        "lethe_model_loaded_versions", "lethe_unlearning_jobs{state=\"running\",}",
        "lethe_unlearning_progress_ratio ", "jvm_memory_", "jvm_gc_", "jvm_threads_", "process_cpu_seconds_total")) {
      assertTrue(metrics.body().contains("\n" + name), name);
    }
  }

  private static double ended(String method, String code) throws IOException, InterruptedException {
    return server.metric("lethe_grpc_requests_total{method=\"" + method + "\",code=\"" + code + "\",}");
  }

  /** The number of images generated, once it no longer changes. */
  private static double settled() throws Exception {
    return Until.settled(() -> server.metric(GENERATED));
  }

  private static StreamObserver<GeneratedImage> observer(CompletableFuture<Void> first) {
    return new StreamObserver<>() {
      @Override
      public void onNext(GeneratedImage image) {
        first.complete(null);
      }

      @Override
      public void onError(Throwable failure) {
        first.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {
        first.complete(null);
      }
    };
  }

  private static final class Garbage implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      throw new UnsupportedOperationException();
    }
  }
}
