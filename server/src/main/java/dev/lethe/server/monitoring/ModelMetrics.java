package dev.lethe.server.monitoring;

import dev.lethe.server.monitoring.ServerMetrics.Stage;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.prometheus.client.Histogram;
import java.util.EnumMap;
import java.util.Map;

/**
 * What {@link ServerMetrics} tells of one model's inference. All of it is there from the start: the first increase of a
 * counter that appears with it would be lost on Prometheus. And nothing is looked up for an image.
 */
public final class ModelMetrics {

  private final Counter.Child images;
  private final Gauge.Child queueLength;
  private final Counter.Child dropped;
  private final Counter.Child refused;
  private final Histogram.Child encodeSeconds;
  private final Map<Stage, Histogram.Child> batchImages = new EnumMap<>(Stage.class);
  private final Map<Stage, Histogram.Child> queueSeconds = new EnumMap<>(Stage.class);
  private final Map<Stage, Histogram.Child> computeSeconds = new EnumMap<>(Stage.class);

  ModelMetrics(String model, ServerMetrics all) {
    images = all.images.labels(model);
    queueLength = all.queueLength.labels(model);
    dropped = all.dropped.labels(model);
    refused = all.refused.labels(model);
    encodeSeconds = all.computeSeconds.labels(model, "encode");
    for (Stage stage : Stage.values()) {
      batchImages.put(stage, all.batchImages.labels(model, stage.label));
      queueSeconds.put(stage, all.queueSeconds.labels(model, stage.label));
      computeSeconds.put(stage, all.computeSeconds.labels(model, stage.label));
    }
  }

  public void imagesQueued(int number) {
    queueLength.inc(number);
  }

  /** Their synthesis begins, or never will. */
  public void imagesUnqueued(int number) {
    queueLength.dec(number);
  }

  public void imageDropped() {
    dropped.inc();
  }

  public void callRefused() {
    refused.inc();
  }

  /** @param seconds that an image waited for a run */
  public void waited(Stage stage, double seconds) {
    queueSeconds.get(stage).observe(seconds);
  }

  /** @param images in a run that begins */
  public void batch(Stage stage, int images) {
    batchImages.get(stage).observe(images);
  }

  public void computed(Stage stage, double seconds) {
    computeSeconds.get(stage).observe(seconds);
  }

  /** An image is ready. */
  public void encoded(double seconds) {
    images.inc();
    encodeSeconds.observe(seconds);
  }
}
