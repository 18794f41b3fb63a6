package dev.lethe.server.tracing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import dev.lethe.server.ServeCommand;
import dev.lethe.server.TinyBundles;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server process that the standard variables tell to send its traces to a collector of ours, by OTLP. */
@Timeout(120)
class TracingIT {

  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String CALLER = "00f067aa0ba902b7";

  @TempDir
  Path root;

  private final List<ResourceSpans> received = new CopyOnWriteArrayList<>();
  private HttpServer collector;
  private Server grpcCollector;
  private Process process;
  private ManagedChannel channel;

  @BeforeEach
  void collect() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext("/v1/traces", exchange -> {
      received.addAll(ExportTraceServiceRequest.parseFrom(exchange.getRequestBody().readAllBytes())
          .getResourceSpansList());
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    collector.start();
    grpcCollector = NettyServerBuilder.forPort(0).addService(new TraceServiceGrpc.TraceServiceImplBase() {
      @Override
      public void export(ExportTraceServiceRequest request, StreamObserver<ExportTraceServiceResponse> answer) {
        received.addAll(request.getResourceSpansList());
        answer.onNext(ExportTraceServiceResponse.getDefaultInstance());
        answer.onCompleted();
      }
    }).build().start();
  }

  @AfterEach
  void stop() {
    if (channel != null) {
      channel.shutdownNow();
    }
    process.destroyForcibly();
    collector.stop(0);
    grpcCollector.shutdownNow();
  }

  private GenerationServiceBlockingStub start(Map<String, String> environment) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(
        ProcessHandle.current().info().command().orElse("java"), "-XX:TieredStopAtLevel=1",
        "-cp", System.getProperty("java.class.path"), ServeCommand.class.getName(), "--port=0", "--threads=1",
        "--models=" + root.resolve("models"), "--state=" + root.resolve("state"), "--jobs=" + root.resolve("jobs"))
        .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(environment);
    process = builder.start();
    String line = process.inputReader().readLine();
    assertNotNull(line, "the server has not started");
    channel = NettyChannelBuilder.forTarget(line.replace("lethe: serving on ", "")).usePlaintext().build();
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), "00-" + TRACE + "-" + CALLER + "-01");
    return GenerationServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** Ends the server, which sends what it has. */
  private List<Span> spans() throws InterruptedException {
    process.destroy();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it has not ended");
    return received.stream().flatMap(resource -> resource.getScopeSpansList().stream())
        .flatMap(scope -> scope.getSpansList().stream()).toList();
  }

  private String endpoint() {
    return "http://127.0.0.1:" + collector.getAddress().getPort();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallOfGenerateHasItsWaitAndItsRunsBelowIt(boolean overGrpc) throws Exception {
    GenerationServiceBlockingStub generation = start(overGrpc
        ? Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + grpcCollector.getPort())
        : Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint(), "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
    generation.generate(GenerateRequest.newBuilder().setCount(3).build());
    List<Span> spans = spans();

    Span call = only(spans, "lethe.v1.GenerationService/Generate");
    assertEquals(Span.SpanKind.SPAN_KIND_SERVER, call.getKind());
    assertEquals(TRACE, hex(call.getTraceId()), "the caller's trace goes on");
    assertEquals(CALLER, hex(call.getParentSpanId()));
    assertEquals("grpc", text(call, "rpc.system"));
    assertEquals("lethe.v1.GenerationService", text(call, "rpc.service"));
    assertEquals("Generate", text(call, "rpc.method"));
    assertEquals(0, number(call, "rpc.grpc.status_code"));
    assertFalse(text(call, "lethe.request_id").isEmpty());

    for (String name : List.of("mapping", "synthesis")) {
      Span run = only(spans, name);
      assertIsInside(run, call);
      assertEquals(3, number(run, "lethe.images"));
      assertEquals(3, number(run, "lethe.batch_images"));
    }
    List<Span> queues = spans.stream().filter(span -> span.getName().equals("queue")).toList();
    assertEquals(List.of("mapping", "synthesis"), queues.stream().map(span -> text(span, "lethe.stage")).toList());
    for (Span queue : queues) {
      assertIsInside(queue, call);
      Span run = only(spans, text(queue, "lethe.stage"));
      assertEquals(run.getStartTimeUnixNano(), queue.getEndTimeUnixNano(), "it waits until the run");
    }
    assertEquals("lethe", received.get(0).getResource().getAttributesList().stream()
        .filter(a -> a.getKey().equals("service.name")).findFirst().orElseThrow().getValue().getStringValue());
  }

  @Test
  void aCallThatTheServerRefusesIsNoErrorOfTheServer() throws Exception {
    GenerationServiceBlockingStub generation = start(Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        endpoint() + "/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "OTEL_SERVICE_NAME", "mine"));
    try {
      generation.generate(GenerateRequest.newBuilder().setModel("none").build());
    } catch (StatusRuntimeException notFound) {
      // As asked for.
    }
    Span call = only(spans(), "lethe.v1.GenerationService/Generate");
    assertEquals(5, number(call, "rpc.grpc.status_code"));
    assertEquals(StatusCode.STATUS_CODE_UNSET, call.getStatus().getCode());
  }

  @Test
  void withoutAnEndpointNothingIsSent() throws Exception {
    // The exporter's other variables do not switch it on; its default endpoint is not asked.
    start(Map.of("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")).generate(GenerateRequest.newBuilder().build());
    assertEquals(List.of(), spans());
  }

  private static void assertIsInside(Span span, Span call) {
    assertEquals(call.getTraceId(), span.getTraceId());
    assertEquals(call.getSpanId(), span.getParentSpanId(), span.getName());
    // Clocks of spans are the wall's to begin with, and a timer's after that: they differ by microseconds.
    long tolerance = 1_000_000;
    assertTrue(span.getStartTimeUnixNano() >= call.getStartTimeUnixNano() - tolerance
        && span.getEndTimeUnixNano() <= call.getEndTimeUnixNano() + tolerance
        && span.getStartTimeUnixNano() <= span.getEndTimeUnixNano(), span + " is not within " + call);
  }

  private static Span only(List<Span> spans, String name) {
    List<Span> found = spans.stream().filter(span -> span.getName().equals(name)).toList();
    assertEquals(1, found.size(), () -> name + " among " + spans.stream().map(Span::getName).toList());
    return found.get(0);
  }

  private static String text(Span span, String attribute) {
    return span.getAttributesList().stream().filter(a -> a.getKey().equals(attribute)).findFirst().orElseThrow()
        .getValue().getStringValue();
  }

  private static long number(Span span, String attribute) {
    return span.getAttributesList().stream().filter(a -> a.getKey().equals(attribute)).findFirst().orElseThrow()
        .getValue().getIntValue();
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }
}
