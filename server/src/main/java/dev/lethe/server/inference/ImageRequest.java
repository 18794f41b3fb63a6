package dev.lethe.server.inference;

import io.opentelemetry.api.trace.Span;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/**
 * Images that were asked for together, wherever they are batched. Settled only when each of them is encoded, dropped
 * or failed: until then the version that they are made with is in use.
 *
 * @param <T> an encoded image
 */
final class ImageRequest<T> {

  private final BooleanSupplier abandoned;
  private final Noise noise;
  private final Encoder<T> encoder;
  private final Context context;
  private final io.opentelemetry.context.Context trace = io.opentelemetry.context.Context.current();
  private final Promise<List<T>> promise = Promise.promise();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  // The count orders the writes of the answers, each from its own thread, before their reading.
  private final T[] answers;
  private final AtomicInteger left;

  @SuppressWarnings("unchecked")
  ImageRequest(int images, Noise noise, BooleanSupplier abandoned, Encoder<T> encoder, Context context) {
    this.noise = noise;
    this.abandoned = abandoned;
    this.encoder = encoder;
    this.context = context;
    this.answers = (T[]) new Object[images];
    this.left = new AtomicInteger(images);
  }

  Future<List<T>> future() {
    return promise.future();
  }

  Noise noise() {
    return noise;
  }

  /** What its asker's spans are in. */
  io.opentelemetry.context.Context trace() {
    return trace;
  }

  boolean isTraced() {
    return Span.fromContext(trace).isRecording();
  }

  /** False once its caller has gone or one of its images has failed. */
  boolean wanted() {
    return failure.get() == null && !abandoned.getAsBoolean();
  }

  /**
   * Makes the answer of an image, which {@link #done} hands over.
   *
   * @param image [C, H, W], read before this returns
   * @param ws [num_ws * w_dim]
   */
  void encode(int index, FloatBuffer image, float[] ws) {
    try {
      answers[index] = encoder.encode(image, ws);
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  /** One of its images failed. */
  void fail(Throwable reason) {
    failure.compareAndSet(null, reason);
    done();
  }

  /** One of its images was dropped, since it was no longer {@link #wanted}. */
  void drop() {
    fail(new CancellationException("nobody waits for these images"));
  }

  /** One of its images is encoded, dropped or failed: the last one settles the request. */
  void done() {
    if (left.decrementAndGet() == 0) {
      context.runOnContext(v -> {
        if (failure.get() == null) {
          promise.complete(Arrays.asList(answers));
        } else {
          promise.fail(failure.get());
        }
      });
    }
  }
}
