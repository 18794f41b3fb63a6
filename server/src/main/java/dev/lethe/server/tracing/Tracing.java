package dev.lethe.server.tracing;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * OpenTelemetry traces, as the standard environment variables {@code OTEL_...} configure them: exporter, endpoint,
 * headers, sampler, propagators, resource. Without an endpoint or an exporter among them there are none.
 */
public final class Tracing implements AutoCloseable {

  private static final List<String> SWITCHES =
      List.of("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER");
  /** Metrics are Prometheus' to fetch, and logs go to standard error. */
  private static final Map<String, String> DEFAULTS = Map.of("otel.service.name", "lethe",
      "otel.metrics.exporter", "none", "otel.logs.exporter", "none");
  private static final int FLUSH_SECONDS = 5;

  private static final TextMapGetter<UnaryOperator<String>> HEADERS = new TextMapGetter<>() {
    @Override
    @SuppressWarnings("deprecation")
    public Iterable<String> keys(UnaryOperator<String> headers) {
      // Only propagators that look for headers by a prefix ask; those of W3C, B3 and Jaeger's trace know theirs.
      return List.of();
    }

    @Override
    public String get(UnaryOperator<String> headers, String name) {
      return headers.apply(name);
    }
  };

  private final OpenTelemetry telemetry;
  private final Tracer tracer;

  private Tracing(OpenTelemetry telemetry) {
    this.telemetry = telemetry;
    this.tracer = telemetry.getTracer("dev.lethe.server");
  }

  /** No traces. */
  public static Tracing off() {
    return new Tracing(OpenTelemetry.noop());
  }

  /**
   * By this process's environment.
   *
   * @param environment the same, which says whether there are traces at all
   * @throws IllegalArgumentException if a variable has a value that cannot be used, with the reason
   */
  public static Tracing configured(Map<String, String> environment) {
    if (SWITCHES.stream().allMatch(name -> environment.getOrDefault(name, "").isBlank())) {
      return off();
    }
    try {
      // Closed by the server when calls have ended, not whenever the Java virtual machine gets to it.
      return new Tracing(AutoConfiguredOpenTelemetrySdk.builder().addPropertiesSupplier(() -> DEFAULTS)
          .disableShutdownHook().build().getOpenTelemetrySdk());
    } catch (ConfigurationException e) {
      throw new IllegalArgumentException("the environment's OTEL_... variables: " + e.getMessage(), e);
    }
  }

  /** Makes the spans below those of calls. */
  public Tracer tracer() {
    return tracer;
  }

  /**
   * A call begins.
   *
   * @param method {@code package.Service/Method}
   * @param headers a request header's value by its name, null if it is not there
   */
  public CallSpan call(String method, UnaryOperator<String> headers) {
    Context caller = telemetry.getPropagators().getTextMapPropagator().extract(Context.root(), headers, HEADERS);
    int slash = method.lastIndexOf('/');
    Span span = tracer.spanBuilder(method).setParent(caller).setSpanKind(SpanKind.SERVER)
        .setAttribute("rpc.system", "grpc")
        .setAttribute("rpc.service", method.substring(0, Math.max(0, slash)))
        .setAttribute("rpc.method", method.substring(slash + 1))
        .startSpan();
    return new CallSpan(span, caller.with(span));
  }

  /** Sends what has not been sent; blocks for some seconds at most. */
  @Override
  public void close() {
    if (telemetry instanceof OpenTelemetrySdk sdk) {
      sdk.shutdown().join(FLUSH_SECONDS, TimeUnit.SECONDS);
    }
  }
}
