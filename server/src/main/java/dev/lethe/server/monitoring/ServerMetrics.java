package dev.lethe.server.monitoring;

import dev.lethe.server.rpc.CallObserver;
import dev.lethe.v1.JobState;
import io.grpc.Status.Code;
import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.prometheus.client.GaugeMetricFamily;
import io.prometheus.client.Histogram;
import io.prometheus.client.exporter.common.TextFormat;
import io.prometheus.client.hotspot.DefaultExports;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * Everything that {@code /metrics} tells. The names are an interface: dashboards and alerts rest on them.
 *
 * <ul>
 *   <li>{@code lethe_grpc_requests_total{method,code}}: calls that ended, by the status that the client was told
 *   <li>{@code lethe_grpc_request_seconds{method}}: how long they took
 *   <li>{@code lethe_grpc_requests_in_flight{method}}
 *   <li>{@code lethe_connections}: open ones; {@code lethe_connections_refused_total}: refused since there were too
 *       many
 *   <li>{@code lethe_grpc_arriving_bytes}: of messages that are coming in or not dealt with; {@code
 *       lethe_grpc_arrivals_refused_total}: calls refused since these were too many
 *   <li>{@code lethe_images_generated_total{model}}
 *   <li>{@code lethe_inference_batch_images{model,stage}}: images in one run of a session; {@code stage} is {@code
 *       mapping} or {@code synthesis}
 *   <li>{@code lethe_inference_queue_seconds{model,stage}}: wait of an image for that run
 *   <li>{@code lethe_inference_compute_seconds{model,stage}}: a run of {@code mapping} or {@code synthesis}, and to
 *       {@code encode} an image
 *   <li>{@code lethe_inference_queue_length{model}}: images whose synthesis has not begun
 *   <li>{@code lethe_inference_dropped_total{model}}: images dropped since their client had gone or its deadline had
 *       passed
 *   <li>{@code lethe_inference_refused_total{model}}: calls refused since the queue was full
 *   <li>{@code lethe_inference_buffer_bytes}: memory of the batches of all loaded versions, outside the Java heap
 *   <li>{@code lethe_model_active_version{model,version}}: 1 for the version that takes new requests
 *   <li>{@code lethe_model_loaded_versions{model}}: versions in memory, those that drain included
 *   <li>{@code lethe_model_swaps_total{model}}, {@code lethe_model_swap_seconds{model}}: from the order to the switch,
 *       load and warm-up included
 *   <li>{@code lethe_canary_requests_total{model,version,outcome}}: requests of a candidate that serves a share of
 *       them, and of the version that serves the others, while it does; {@code outcome} is {@code ok} or {@code failed}
 *   <li>{@code lethe_canary_request_seconds{model,version}}: how long those took that did not fail
 *   <li>{@code lethe_unlearning_jobs{state}}: jobs known, by state
 *   <li>{@code lethe_unlearning_progress_ratio}: of the running job, 0 to 1; 0 when none runs
 *   <li>{@code lethe_tls_certificate_expiry_timestamp_seconds}: when the server's certificate expires; 0 without TLS
 *   <li>{@code lethe_gpu_memory_used_bytes{gpu}}, {@code lethe_gpu_memory_total_bytes{gpu}}: when models run on a GPU
 *   <li>{@code jvm_*}, {@code process_*}: the simpleclient's own
 * </ul>
 */
public final class ServerMetrics implements CallObserver {

  /** The content type of {@link #text}. */
  public static final String CONTENT_TYPE = TextFormat.CONTENT_TYPE_004;

  private static final double[] LATENCIES = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60};
  private static final double[] SWAPS = {.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60};

  /** What a batch goes through. */
  public enum Stage {
    MAPPING, SYNTHESIS;

    final String label = name().toLowerCase(Locale.ROOT);
  }

  private final CollectorRegistry registry = new CollectorRegistry();

  private final Counter requests = register(Counter.build("lethe_grpc_requests_total",
      "Calls that ended, by the status that the client was told").labelNames("method", "code").create());
  private final Histogram requestSeconds = register(Histogram.build("lethe_grpc_request_seconds",
      "Duration of calls").labelNames("method").buckets(LATENCIES).create());
  private final Gauge inFlight = register(Gauge.build("lethe_grpc_requests_in_flight",
      "Calls that have not ended").labelNames("method").create());
  private final Gauge connections = register(Gauge.build("lethe_connections", "Open connections").create());
  private final Counter connectionsRefused = register(Counter.build("lethe_connections_refused_total",
      "Connections refused since there were too many").create());
  private final Gauge arrivingBytes = register(Gauge.build("lethe_grpc_arriving_bytes",
      "Bytes of messages that are coming in or not dealt with").create());
  private final Counter arrivalsRefused = register(Counter.build("lethe_grpc_arrivals_refused_total",
      "Calls refused since too many bytes of messages are coming in").create());
  final Counter images = register(Counter.build("lethe_images_generated_total",
      "Images generated").labelNames("model").create());
  final Histogram batchImages = register(Histogram.build("lethe_inference_batch_images",
      "Images in one run of a session").labelNames("model", "stage").buckets(1, 2, 4, 8, 16, 32, 64).create());
  final Histogram queueSeconds = register(Histogram.build("lethe_inference_queue_seconds",
      "Wait of an image for a run").labelNames("model", "stage").buckets(LATENCIES).create());
  final Histogram computeSeconds = register(Histogram.build("lethe_inference_compute_seconds",
      "A run of mapping or synthesis, and to encode an image").labelNames("model", "stage").buckets(LATENCIES)
      .create());
  final Gauge queueLength = register(Gauge.build("lethe_inference_queue_length",
      "Images whose synthesis has not begun").labelNames("model").create());
  final Counter dropped = register(Counter.build("lethe_inference_dropped_total",
      "Images dropped since their client had gone or its deadline had passed").labelNames("model").create());
  final Counter refused = register(Counter.build("lethe_inference_refused_total",
      "Calls refused since the queue was full").labelNames("model").create());
  private final Gauge bufferBytes = register(Gauge.build("lethe_inference_buffer_bytes",
      "Memory of the batches of all loaded versions, outside the Java heap").create());
  private final Gauge activeVersion = register(Gauge.build("lethe_model_active_version",
      "1 for the version that takes new requests").labelNames("model", "version").create());
  private final Gauge loadedVersions = register(Gauge.build("lethe_model_loaded_versions",
      "Versions in memory, those that drain included").labelNames("model").create());
  private final Counter swaps = register(Counter.build("lethe_model_swaps_total",
      "Hot swaps").labelNames("model").create());
  private final Histogram swapSeconds = register(Histogram.build("lethe_model_swap_seconds",
      "From the order to the switch, load and warm-up included").labelNames("model").buckets(SWAPS).create());
  private final Counter canaryRequests = register(Counter.build("lethe_canary_requests_total",
      "Requests while a candidate serves a share of them").labelNames("model", "version", "outcome").create());
  private final Histogram canarySeconds = register(Histogram.build("lethe_canary_request_seconds",
      "Duration of requests while a candidate serves a share of them").labelNames("model", "version")
      .buckets(LATENCIES).create());
  private final Gauge jobs = register(Gauge.build("lethe_unlearning_jobs",
      "Unlearning jobs known, by state").labelNames("state").create());
  private final Gauge progress = register(Gauge.build("lethe_unlearning_progress_ratio",
      "Of the running job, 0 to 1; 0 when none runs").create());

  private final Gauge certificateExpiry = register(Gauge.build("lethe_tls_certificate_expiry_timestamp_seconds",
      "When the server's certificate expires, in seconds since 1970; 0 without TLS").create());

  public ServerMetrics() {
    DefaultExports.register(registry);
  }

  private <C extends Collector> C register(C collector) {
    return collector.register(registry);
  }

  /** All metrics in Prometheus' text format. */
  public String text() {
    StringWriter out = new StringWriter();
    try {
      TextFormat.write004(out, registry.metricFamilySamples());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toString();
  }

  @Override
  public void started(String method) {
    inFlight.labels(method).inc();
  }

  @Override
  public void ended(String method, Code code, double seconds) {
    inFlight.labels(method).dec();
    requests.labels(method, code.name()).inc();
    requestSeconds.labels(method).observe(seconds);
  }

  @Override
  public void connections(int open) {
    connections.set(open);
  }

  @Override
  public void connectionRefused() {
    connectionsRefused.inc();
  }

  @Override
  public void arrivalRefused() {
    arrivalsRefused.inc();
  }

  /** @param bytes asked whenever the metrics are read */
  public void arrivingBytes(DoubleSupplier bytes) {
    ask(arrivingBytes, bytes);
  }

  /** Those of one model's inference. */
  public ModelMetrics model(String name) {
    return new ModelMetrics(name, this);
  }

  /** @param bytes asked whenever the metrics are read */
  public void bufferBytes(DoubleSupplier bytes) {
    ask(bufferBytes, bytes);
  }

  private static void ask(Gauge gauge, DoubleSupplier value) {
    gauge.setChild(new Gauge.Child() {
      @Override
      public double get() {
        return value.getAsDouble();
      }
    });
  }

  /** @param readings asked whenever the metrics are read */
  public void gpuMemory(Supplier<List<GpuMemory.Reading>> readings) {
    register(new Collector() {
      @Override
      public List<MetricFamilySamples> collect() {
        List<String> labels = List.of("gpu");
        GaugeMetricFamily used =
            new GaugeMetricFamily("lethe_gpu_memory_used_bytes", "In use, by all processes", labels);
        GaugeMetricFamily total = new GaugeMetricFamily("lethe_gpu_memory_total_bytes", "Of the GPU", labels);
        for (GpuMemory.Reading reading : readings.get()) {
          used.addMetric(List.of(reading.gpu()), reading.usedBytes());
          total.addMetric(List.of(reading.gpu()), reading.totalBytes());
        }
        return List.of(used, total);
      }
    });
  }

  public void versionLoaded(String model) {
    loadedVersions.labels(model).inc();
  }

  public void versionClosed(String model) {
    loadedVersions.labels(model).dec();
  }

  /** A version takes requests, of a model that took none. */
  public void activated(String model, String version) {
    activeVersion.labels(model, version).set(1);
  }

  /** The model is unloaded. */
  public void deactivated(String model, String version) {
    activeVersion.remove(model, version);
  }

  /** @param seconds from the order to the switch */
  public void swapped(String model, String from, String to, double seconds) {
    activeVersion.remove(model, from);
    activeVersion.labels(model, to).set(1);
    swaps.labels(model).inc();
    swapSeconds.labels(model).observe(seconds);
  }

  /** Requests of one of the two versions that are compared while a candidate serves a share of them. */
  public CanarySide canary(String model, String version) {
    return new CanarySide(canaryRequests.labels(model, version, "ok"), canaryRequests.labels(model, version, "failed"),
        canarySeconds.labels(model, version));
  }

  /** Where the requests of one of two versions are counted. */
  public record CanarySide(Counter.Child ok, Counter.Child failed, Histogram.Child took) {

    /** One has ended. */
    public void ended(boolean success, double seconds) {
      (success ? ok : failed).inc();
      if (success) {
        took.observe(seconds);
      }
    }
  }

  /** @param counts jobs by state; states that are missing have none */
  public void jobs(Map<JobState, Long> counts) {
    for (JobState state : JobState.values()) {
      if (state != JobState.UNRECOGNIZED && state != JobState.JOB_STATE_UNSPECIFIED) {
        String name = state.name().substring("JOB_STATE_".length()).toLowerCase(Locale.ROOT);
        jobs.labels(name).set(counts.getOrDefault(state, 0L));
      }
    }
  }

  /** @param fraction of the running job, 0 to 1 */
  public void progress(double fraction) {
    progress.set(fraction);
  }

  public void certificateExpires(Instant when) {
    certificateExpiry.set(when.getEpochSecond());
  }
}
