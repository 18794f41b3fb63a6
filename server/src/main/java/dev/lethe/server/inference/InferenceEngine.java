package dev.lethe.server.inference;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.monitoring.ServerMetrics;
import io.grpc.Status;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Runs generators off the event loops: a bounded queue of batches and a fixed number of threads. A batch runs as it
 * was submitted.
 */
public final class InferenceEngine implements AutoCloseable {

  /** Largest batch. Above it, images per second no longer grow and the first image comes later. */
  private static final int LARGEST_BATCH = 8;
  /** Pixels in a batch: one image of 1024 x 1024. */
  private static final int BATCH_PIXELS = 1 << 20;

  private final ThreadPoolExecutor threads;
  private final int queueCapacity;
  private final ServerMetrics metrics;

  /**
   * @param parallelism batches that run at once
   * @param queueCapacity batches that may wait
   */
  public InferenceEngine(int parallelism, int queueCapacity, ServerMetrics metrics) {
    AtomicInteger number = new AtomicInteger();
    this.threads = new ThreadPoolExecutor(parallelism, parallelism, 0, TimeUnit.SECONDS,
        new ArrayBlockingQueue<>(queueCapacity),
        work -> new Thread(work, "lethe-inference-" + number.getAndIncrement()));
    this.queueCapacity = queueCapacity;
    this.metrics = metrics;
  }

  /** Batches that run at once. */
  public int parallelism() {
    return threads.getCorePoolSize();
  }

  /** How many images of a model a batch should have, at most. */
  public static int batchSize(ModelCard card) {
    int pixels = card.network().resolution() * card.network().resolution();
    return Math.max(1, Math.min(LARGEST_BATCH, BATCH_PIXELS / pixels));
  }

  /**
   * Generates and encodes a batch.
   *
   * @param generator must stay open until the future has completed
   * @param abandoned asked before the work starts: whether nobody waits for it any more
   * @param encode turns an image [C, H, W] into an answer, on the engine's thread
   * @param context where the future completes
   * @return the answers in order; RESOURCE_EXHAUSTED if the queue is full; {@link CancellationException} if abandoned
   */
  public <T> Future<List<T>> generate(GeneratorSessions generator, List<Latent> batch, BooleanSupplier abandoned,
      Function<float[], T> encode, Context context) {
    Promise<List<T>> promise = Promise.promise();
    String model = generator.card().name();
    long queued = System.nanoTime();
    metrics.batchQueued();
    try {
      threads.execute(() -> {
        long started = System.nanoTime();
        metrics.batchStarted(model, (started - queued) / 1e9);
        if (abandoned.getAsBoolean()) {
          metrics.batchDropped(model);
          context.runOnContext(v -> promise.fail(new CancellationException("nobody waits for this batch")));
          return;
        }
        try {
          float[][] images = generator.generate(batch);
          long generated = System.nanoTime();
          List<T> answers = new ArrayList<>(images.length);
          for (float[] image : images) {
            answers.add(encode.apply(image));
          }
          metrics.batchDone(model, images.length, (generated - started) / 1e9, (System.nanoTime() - generated) / 1e9);
          context.runOnContext(v -> promise.complete(answers));
        } catch (Throwable e) {
          context.runOnContext(v -> promise.fail(e));
        }
      });
    } catch (RejectedExecutionException e) {
      metrics.batchRejected();
      Status status = threads.isShutdown()
          ? Status.UNAVAILABLE.withDescription("the server is shutting down")
          : Status.RESOURCE_EXHAUSTED.withDescription("the server is at its limit of " + queueCapacity
              + " waiting batches: try again later");
      return Future.failedFuture(status.asRuntimeException());
    }
    return promise.future();
  }

  /** Runs what is queued, then ends. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(30, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
