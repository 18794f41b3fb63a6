package dev.lethe.server.inference;

import dev.lethe.server.monitoring.ServerMetrics.Stage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The spans of one run of a session: for each traced request that has images in it, {@code queue}, the wait of the
 * first of them, and {@code mapping} or {@code synthesis}, the run itself.
 */
final class RunSpans {

  private static final RunSpans NONE = new RunSpans(List.of());

  private final List<Span> runs;

  private RunSpans(List<Span> runs) {
    this.runs = runs;
  }

  private static final class Share {
    int images;
    long submitted = Long.MAX_VALUE;
  }

  /** @param now {@link System#nanoTime} at the run's beginning */
  static RunSpans begin(Tracer tracer, Stage stage, List<ImageTask> batch, long now) {
    Map<ImageRequest<?>, Share> shares = new LinkedHashMap<>();
    for (ImageTask task : batch) {
      if (task.request().isTraced()) {
        Share share = shares.computeIfAbsent(task.request(), request -> new Share());
        share.images++;
        share.submitted = Math.min(share.submitted, task.submitted());
      }
    }
    if (shares.isEmpty()) {
      return NONE;
    }
    List<Span> runs = new ArrayList<>(shares.size());
    Instant begins = Instant.now();
    String name = stage.name().toLowerCase(Locale.ROOT);
    shares.forEach((request, share) -> {
      span(tracer, "queue", request, share).setAttribute("lethe.stage", name)
          .setStartTimestamp(begins.minusNanos(now - share.submitted)).startSpan().end(begins);
      runs.add(span(tracer, name, request, share).setAttribute("lethe.batch_images", batch.size())
          .setStartTimestamp(begins).startSpan());
    });
    return new RunSpans(runs);
  }

  private static SpanBuilder span(Tracer tracer, String name, ImageRequest<?> request, Share share) {
    return tracer.spanBuilder(name).setParent(request.trace()).setAttribute("lethe.images", share.images);
  }

  void end() {
    runs.forEach(Span::end);
  }

  void fail(Throwable reason) {
    runs.forEach(span -> span.setStatus(StatusCode.ERROR, String.valueOf(reason.getMessage())).end());
  }
}
