package dev.lethe.server.inference;

import ai.onnxruntime.OrtException;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.inference.InferenceEngine.Resources;
import dev.lethe.server.monitoring.ModelMetrics;
import dev.lethe.server.monitoring.ServerMetrics.Stage;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One version, ready to generate: its sessions, a batcher for mapping and one for synthesis, and the buffers that they
 * run on. Images that come with their w skip mapping. {@link InferenceEngine#open} makes it; {@link #close} it when no
 * request is left.
 */
public final class ServedGenerator implements AutoCloseable {

  private final GeneratorSessions sessions;
  private final Resources resources;
  private final ModelMetrics metrics;
  private final BatchingOptions batching;
  private final int batchSize;
  private final MappingRun mapping;
  private final List<SynthesisRun> syntheses = new ArrayList<>();
  private final Batcher<ImageTask> mappingBatcher;
  private final Batcher<ImageTask> synthesisBatcher;
  /**
   * Of images with other noise than the model's own, which few ask for: its lane opens a session for the first of them.
   */
  private final Batcher<ImageTask> noisyBatcher;
  private final GeneratorStatistics statistics = new GeneratorStatistics();
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile @Nullable RequestObserver observer;
  // Seconds of synthesis for an image, smoothed; a lost update of two lanes does no harm.
  private volatile double secondsPerImage;
  private volatile Bundle bundle;
  // Set by the lane of noisyBatcher, and read by who closes, after its last batch.
  private volatile NoisySynthesis noisy;

  ServedGenerator(GeneratorSessions sessions, Bundle bundle, ExecutionDevice device, BatchingOptions batching,
      Resources resources) {
    this.sessions = sessions;
    this.bundle = bundle;
    this.resources = resources;
    this.metrics = resources.metrics().model(sessions.card().name());
    this.batching = batching;
    this.batchSize = batching.batchSize(sessions.card(), device);
    this.mapping = new MappingRun(sessions, batchSize, resources.buffers());
    for (int i = 0; i < batching.concurrency(); i++) {
      syntheses.add(new SynthesisRun(sessions, batchSize, resources.buffers()));
    }
    this.mappingBatcher = new Batcher<>(List.of(this::map), batchSize, batching.maxDelay(), resources.pool(),
        resources.timer());
    this.synthesisBatcher = new Batcher<>(
        syntheses.stream().map(run -> (Batcher.Lane<ImageTask>) (batch, free) -> synthesize(run, batch, free)).toList(),
        batchSize, batching.maxDelay(), resources.pool(), resources.timer());
    this.noisyBatcher = new Batcher<>(List.of(this::synthesizeNoisy), batchSize, batching.maxDelay(), resources.pool(),
        resources.timer());
  }

  /** Its bundle's directory was moved. */
  public void movedTo(Bundle now) {
    bundle = now;
  }

  /**
   * Runs batches of the given sizes on every buffer, so that the first requests do not pay for what first runs
   * allocate.
   *
   * @throws IOException if it does not run, or an image has a value that is no number: the weights are broken
   */
  void warm(int... sizes) throws IOException {
    Random random = new Random(0);
    for (SynthesisRun synthesis : syntheses) {
      for (int size : sizes) {
        try {
          mapping.run(randomLatents(size, random));
          synthesis.run(IntStream.range(0, size).mapToObj(mapping::ws).toList());
        } catch (OrtException e) {
          throw new IOException(name() + " does not run: " + e.getMessage(), e);
        }
        for (int i = 0; i < size; i++) {
          checkFinite(synthesis.image(i));
        }
      }
    }
  }

  private List<Latent.Z> randomLatents(int size, Random random) {
    List<Latent.Z> latents = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      float[] z = new float[card().network().zDim()];
      for (int k = 0; k < z.length; k++) {
        z[k] = (float) random.nextGaussian();
      }
      latents.add(new Latent.Z(z, card().conditional() ? i % card().labels().size() : 0, 1));
    }
    return latents;
  }

  private void checkFinite(FloatBuffer image) throws IOException {
    if (!isFinite(image)) {
      throw new IOException(name() + " generates values that are no numbers: its weights are broken");
    }
  }

  private static boolean isFinite(FloatBuffer image) {
    // Anything times 0 is 0, except for what is no number or has no end: one look at the sum is faster than at each.
    float sum = 0;
    for (int i = 0; i < image.capacity(); i++) {
      sum += image.get(i) * 0;
    }
    return sum == 0;
  }

  private String name() {
    return "version " + card().version() + " of " + card().name();
  }

  public ModelCard card() {
    return sessions.card();
  }

  /** Most images in one run. */
  public int batchSize() {
    return batchSize;
  }

  /** Groups of {@link #batchSize} images that one call should have under way to keep it busy. */
  public int window() {
    return batching.concurrency() + 1;
  }

  BatchingOptions batching() {
    return batching;
  }

  public GeneratorStatistics statistics() {
    return statistics;
  }

  /** From now on somebody is told how requests end; null: nobody any more. */
  public void observe(@Nullable RequestObserver told) {
    observer = told;
  }

  /** A request that this version took has ended. */
  void ended(@Nullable Throwable failure, long nanoseconds) {
    statistics.ended(failure == null, nanoseconds);
    RequestObserver told = observer;
    if (told != null) {
      told.ended(failure, nanoseconds / 1e9);
    }
  }

  /** Images that were submitted and whose synthesis has not begun. */
  int waiting() {
    return waiting.get();
  }

  /** About how long the images that wait now will take, in seconds. */
  double backlogSeconds() {
    return waiting.get() * secondsPerImage;
  }

  ModelMetrics metrics() {
    return metrics;
  }

  /** Makes room that is taken by images that nobody waits for any more. */
  void purge() {
    mappingBatcher.purge();
    synthesisBatcher.purge();
    noisyBatcher.purge();
  }

  void submit(ImageRequest<?> request, List<Latent> latents) {
    waiting.addAndGet(latents.size());
    metrics.imagesQueued(latents.size());
    List<ImageTask> unmapped = new ArrayList<>(latents.size());
    List<ImageTask> mapped = new ArrayList<>();
    for (int i = 0; i < latents.size(); i++) {
      Latent latent = latents.get(i);
      (latent instanceof Latent.W ? mapped : unmapped).add(new ImageTask(request, i, latent, this::dropped));
    }
    if (!unmapped.isEmpty()) {
      mappingBatcher.submit(unmapped);
    }
    if (!mapped.isEmpty()) {
      (request.noise() == Noise.CONST ? synthesisBatcher : noisyBatcher).submit(mapped);
    }
  }

  private void map(List<ImageTask> batch, Runnable free) {
    long started = started(Stage.MAPPING, batch);
    RunSpans spans = RunSpans.begin(resources.tracer(), Stage.MAPPING, batch, started);
    try {
      mapping.run(batch.stream().map(task -> (Latent.Z) task.latent()).toList());
      for (int i = 0; i < batch.size(); i++) {
        batch.get(i).mapped(mapping.ws(i));
      }
      long took = System.nanoTime() - started;
      statistics.mapped(batch.size(), took);
      metrics.computed(Stage.MAPPING, took / 1e9);
      spans.end();
    } catch (Throwable e) {
      spans.fail(e);
      waiting.addAndGet(-batch.size());
      metrics.imagesUnqueued(batch.size());
      free.run();
      batch.forEach(task -> task.fail(e));
      return;
    }
    free.run();
    Map<Boolean, List<ImageTask>> own =
        batch.stream().collect(Collectors.partitioningBy(task -> task.noise() == Noise.CONST));
    if (own.get(true).isEmpty()) {
      noisyBatcher.submitAndRun(own.get(false));
      return;
    }
    if (!own.get(false).isEmpty()) {
      noisyBatcher.submit(own.get(false));
    }
    synthesisBatcher.submitAndRun(own.get(true));
  }

  private void synthesizeNoisy(List<ImageTask> batch, Runnable free) {
    synthesize(batch, free, () -> {
      if (noisy == null) {
        noisy = NoisySynthesis.open(sessions, bundle, batchSize, resources.buffers());
      }
      noisy.run(batch.stream().map(ImageTask::ws).toList(), batch.stream().map(ImageTask::noise).toList());
      return noisy;
    });
  }

  /** A run of a batch; gives what holds its images. */
  private interface Synthesis {
    SynthesisRun run() throws OrtException, IOException;
  }

  private void synthesize(SynthesisRun run, List<ImageTask> batch, Runnable free) {
    synthesize(batch, free, () -> {
      run.run(batch.stream().map(ImageTask::ws).toList());
      return run;
    });
  }

  private void synthesize(List<ImageTask> batch, Runnable free, Synthesis synthesis) {
    waiting.addAndGet(-batch.size());
    metrics.imagesUnqueued(batch.size());
    long started = started(Stage.SYNTHESIS, batch);
    RunSpans spans = RunSpans.begin(resources.tracer(), Stage.SYNTHESIS, batch, started);
    SynthesisRun run;
    try {
      run = synthesis.run();
    } catch (Throwable e) {
      spans.fail(e);
      free.run();
      batch.forEach(task -> task.fail(e));
      return;
    }
    long took = System.nanoTime() - started;
    spans.end();
    statistics.synthesized(batch.size(), took);
    double seconds = took / 1e9;
    double each = seconds / batch.size();
    secondsPerImage = secondsPerImage == 0 ? each : 0.8 * secondsPerImage + 0.2 * each;
    metrics.computed(Stage.SYNTHESIS, seconds);
    encode(run, batch, free);
  }

  /** Encodes the images of a batch on several threads; the last one frees the lane. */
  private void encode(SynthesisRun run, List<ImageTask> batch, Runnable free) {
    int encoders = Math.min(batch.size(), resources.encoders());
    AtomicInteger left = new AtomicInteger(encoders);
    for (int i = 1; i < encoders; i++) {
      int first = i;
      resources.pool().execute(() -> encode(run, batch, first, encoders, left, free));
    }
    encode(run, batch, 0, encoders, left, free);
  }

  /** Every {@code step}th image from the first on. */
  private void encode(SynthesisRun run, List<ImageTask> batch, int first, int step, AtomicInteger left,
      Runnable free) {
    for (int i = first; i < batch.size(); i += step) {
      ImageTask task = batch.get(i);
      if (task.wanted()) {
        if (isFinite(run.image(i))) {
          long started = System.nanoTime();
          task.encode(run.image(i));
          long took = System.nanoTime() - started;
          statistics.encoded(batch.size(), took);
          metrics.encoded(took / 1e9);
          task.done();
        } else {
          // The weights were tried when the version was loaded, so it is what was sent.
          task.fail(new Invalid("latents: the image of one of them has values that are no"
              + " numbers: its own are too large for this model"));
        }
      } else {
        metrics.imageDropped();
        task.discard();
      }
    }
    // With the last image of the last request this generator may be closed by now: nothing below touches its buffers.
    if (left.decrementAndGet() == 0) {
      free.run();
    }
  }

  private void dropped() {
    waiting.decrementAndGet();
    metrics.imagesUnqueued(1);
    metrics.imageDropped();
  }

  /** The time of now, after the wait of each image was written down. */
  private long started(Stage stage, List<ImageTask> batch) {
    long now = System.nanoTime();
    long waits = 0;
    for (ImageTask task : batch) {
      long wait = now - task.submitted();
      waits += wait;
      metrics.waited(stage, wait / 1e9);
    }
    statistics.waited(waits);
    metrics.batch(stage, batch.size());
    return now;
  }

  @Override
  public void close() {
    mapping.close();
    syntheses.forEach(SynthesisRun::close);
    if (noisy != null) {
      noisy.close();
    }
    sessions.close();
  }
}
