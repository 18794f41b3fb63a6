package dev.lethe.server.inference;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.monitoring.ServerMetrics;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.opentelemetry.api.trace.Tracer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Generates images off the event loops. Images of all requests for a version are batched together, up to a bounded
 * number that wait; all versions share the engine's threads.
 */
public final class InferenceEngine implements AutoCloseable {

  private static final long SHORTEST_WAIT_MS = 10;
  private static final long LONGEST_WAIT_MS = 30_000;
  private static final int CLOSING_SECONDS = 30;

  private final ServingCompute compute;
  private final ModelOptions options;
  private final Map<String, ModelOptions> own;
  private final Resources resources;
  // One permit for each request in flight: who has all of them knows that there is none.
  private final Semaphore inFlight = new Semaphore(Integer.MAX_VALUE);
  private volatile boolean closed;

  /**
   * What generators share.
   *
   * @param pool a worker goes on with what its own work has led to, so that an image passes from mapping to synthesis
   *     to encoding without waiting for a thread to wake up; idle workers help
   * @param encoders threads that encode the images of one batch
   * @param timer ends waits for fuller batches
   * @param buffers counts what is allocated, and frees on release
   * @param tracer makes spans of runs
   */
  record Resources(ForkJoinPool pool, int encoders, ScheduledExecutorService timer,
      UnpooledByteBufAllocator buffers, ServerMetrics metrics, Tracer tracer) {}

  /**
   * @param compute on a device that can be used
   * @param batching of models that have no options of their own
   * @param own options of models that have them, by name; of those that are not there yet, too
   * @param tracer makes spans of runs, below the span that is current where images are asked for
   */
  public InferenceEngine(ServingCompute compute, BatchingOptions batching, Map<String, ModelOptions> own,
      ServerMetrics metrics, Tracer tracer) {
    this.compute = compute;
    this.options = new ModelOptions(batching, compute.precision());
    this.own = Map.copyOf(own);
    AtomicInteger number = new AtomicInteger();
    ForkJoinPool pool = new ForkJoinPool(compute.threads() + mostConcurrency(), owner -> {
      ForkJoinWorkerThread worker = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(owner);
      worker.setName("lethe-inference-" + number.getAndIncrement());
      return worker;
    }, null, false);
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
      Thread thread = new Thread(work, "lethe-batch-timer");
      thread.setDaemon(true);
      return thread;
    });
    this.resources = new Resources(pool, compute.threads(), timer, new UnpooledByteBufAllocator(true), metrics,
        tracer);
    metrics.bufferBytes(() -> resources.buffers().metric().usedDirectMemory());
  }

  /** Workers of the pool are for as many batches as any model may have under way. */
  private int mostConcurrency() {
    return Stream.concat(Stream.of(options), own.values().stream())
        .mapToInt(model -> model.batching().concurrency()).max().getAsInt();
  }

  /**
   * Loads and warms a version, by the options of its model. Blocks.
   *
   * @return the caller closes it, once no request is left
   * @throws IOException if the bundle does not load, is not what its card says or generates no numbers, with the reason
   */
  public ServedGenerator open(Bundle bundle) throws IOException {
    ModelOptions its = options(bundle.card().name());
    its.batching().checkFits(bundle.card(), compute.device());
    ServedGenerator generator = new ServedGenerator(GeneratorSessions.load(bundle, compute.in(its.precision())), bundle,
        compute.device(), its.batching(), resources);
    try {
      generator.warm(generator.batchSize(), 1);
      return generator;
    } catch (IOException | RuntimeException e) {
      generator.close();
      throw e;
    }
  }

  /** How it computes the model of this name, whether that is there or not. */
  public ModelOptions options(String model) {
    return own.getOrDefault(model, options);
  }

  public ExecutionDevice device() {
    return compute.device();
  }

  /**
   * Generates and encodes images, for a call that begins.
   *
   * @param generator must stay open until the future has completed
   * @param noise of all of them; the first images without the model's own take as long as a second session takes to
   *     open
   * @param abandoned whether nobody waits any more: asked just before each step, on any thread
   * @param context where the future completes
   * @return the answers in order; Exhausted, with the time to wait, if too many images wait;
   *     Unavailable if the engine is closed; {@link CancellationException} if abandoned
   */
  public <T> Future<List<T>> generate(ServedGenerator generator, List<Latent> latents, Noise noise,
      BooleanSupplier abandoned, Encoder<T> encoder, Context context) {
    if (isFull(generator, latents.size())) {
      generator.purge();
      if (isFull(generator, latents.size())) {
        generator.metrics().callRefused();
        return Future.failedFuture(refusal(generator));
      }
    }
    return generateMore(generator, latents, noise, abandoned, encoder, context);
  }

  /** The same for a call that has begun: it is not refused half way. It should have few images under way at a time. */
  public <T> Future<List<T>> generateMore(ServedGenerator generator, List<Latent> latents, Noise noise,
      BooleanSupplier abandoned, Encoder<T> encoder, Context context) {
    if (closed) {
      return Future.failedFuture(
          new Unavailable("the server is shutting down"));
    }
    ImageRequest<T> request = new ImageRequest<>(latents.size(), noise, abandoned, encoder, context);
    inFlight.acquireUninterruptibly();
    generator.statistics().requested();
    long started = System.nanoTime();
    request.future().onComplete(settled -> {
      generator.ended(settled.cause(), System.nanoTime() - started);
      inFlight.release();
    });
    generator.submit(request, latents);
    return request.future();
  }

  /** A call of more images than may wait is taken when none waits, else it never would be. */
  private boolean isFull(ServedGenerator generator, int more) {
    int waiting = generator.waiting();
    return waiting > 0 && waiting + more > generator.batching().maxQueue();
  }

  private Exhausted refusal(ServedGenerator generator) {
    long wait = Math.max(SHORTEST_WAIT_MS,
        Math.min(LONGEST_WAIT_MS, Math.round(generator.backlogSeconds() * 1000)));
    return new Exhausted("model " + generator.card().name() + " is at its limit of " + generator.batching().maxQueue()
        + " waiting images: try again in " + wait + " ms", Duration.ofMillis(wait));
  }

  /** Ends once the requests that it has taken are settled. */
  @Override
  public void close() {
    closed = true;
    try {
      inFlight.tryAcquire(Integer.MAX_VALUE, CLOSING_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    resources.pool().shutdown();
    resources.timer().shutdownNow();
  }
}
