package dev.lethe.server.images;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.inference.Encoder;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.inference.Noise;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.rpc.Call;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The images of one request: batches go to the engine, a few at once, so that others get their turn too, and their
 * images to the receiver in order, no faster than it takes them. Lives on the call's context; what it holds in memory
 * is {@code window} batches at most.
 *
 * <p>The lease ends when the last batch that was submitted has come back, whatever became of the call.
 *
 * @param <I> what an image is made from
 * @param <T> what is made of an image
 */
public final class ImageRun<I, T> {

  private final Call<?> call;
  private final Lease lease;
  private final InferenceEngine engine;
  private final Order<I, T> order;
  private final int window;
  private final int batchSize;
  private final Receiver<I, T> receiver;
  private final Promise<Void> promise = Promise.promise();

  // Batches in order of their images; the first is sent from as soon as it is there.
  private final Deque<Batch<I, T>> batches = new ArrayDeque<>();
  private int submitted;
  private int received;
  private int running;
  // Written on the call's context; compute threads read it to drop work that nobody waits for.
  private volatile boolean ended;

  private static final class Batch<I, T> {
    final int first;
    final List<I> items;
    @Nullable List<T> images;

    Batch(int first, List<I> items) {
      this.first = first;
      this.items = items;
    }
  }

  /**
   * What is to be made.
   *
   * @param count images, from 1
   * @param items by index, from 0 to {@code count - 1}; each is asked for once, just before its turn
   * @param latent of an item
   * @param encoder makes what is received of each image, on the engine's threads
   */
  public record Order<I, T>(int count, IntFunction<I> items, Function<I, Latent> latent, Noise noise,
      Encoder<T> encoder) {}

  /** Takes the images, on the call's context. */
  public interface Receiver<I, T> {

    /** Asked before each image: whether it must wait; then whoever says so calls {@link #proceed} later. */
    default boolean isFull() {
      return false;
    }

    void image(int index, I item, T image);
  }

  /**
   * @param lease ends with the run
   * @param window batches that are computed or wait to be received, at once
   */
  public ImageRun(Call<?> call, Lease lease, InferenceEngine engine, Order<I, T> order, int window,
      Receiver<I, T> receiver) {
    this.call = call;
    this.lease = lease;
    this.engine = engine;
    this.order = order;
    this.window = window;
    this.batchSize = lease.generator().batchSize();
    this.receiver = receiver;
  }

  /** How much it is of the work that keeps its version busy. */
  public double share() {
    return order.count() / ((double) batchSize * window);
  }

  /**
   * Call once.
   *
   * @return completes when all images are received; the failure of {@link InferenceEngine#generate} or of the
   *     receiver, if there is one; that of {@link Lease#over} once there is one; {@link CancellationException} if the
   *     call is over before
   */
  public Future<Void> start() {
    proceed();
    return promise.future();
  }

  /**
   * Hands over what is ready and wanted, and submits more. A receiver that may be full has to call it when it no longer
   * is, and when the call is over.
   */
  public void proceed() {
    if (ended) {
      return;
    }
    if (call.isOver()) {
      end(new CancellationException("nobody waits for these images"));
      return;
    }
    Optional<DomainException> over = lease.over();
    if (over.isPresent()) {
      end(over.get());
      return;
    }
    try {
      call.step(this::receiveAndSubmit);
    } catch (RuntimeException e) {
      end(e);
    }
  }

  private void receiveAndSubmit() {
    while (!batches.isEmpty() && batches.peekFirst().images != null) {
      Batch<I, T> first = batches.peekFirst();
      while (received < first.first + first.images.size()) {
        if (receiver.isFull()) {
          return;
        }
        int index = received++;
        int at = index - first.first;
        receiver.image(index, first.items.get(at), first.images.get(at));
      }
      batches.removeFirst();
    }
    if (received == order.count()) {
      end(null);
      return;
    }
    while (batches.size() < window && submitted < order.count() && !isOver()) {
      submit();
    }
  }

  private void submit() {
    List<I> items = new ArrayList<>(batchSize);
    List<Latent> latents = new ArrayList<>(batchSize);
    for (int i = submitted; i < Math.min(order.count(), submitted + batchSize); i++) {
      I item = order.items().apply(i);
      items.add(item);
      latents.add(order.latent().apply(item));
    }
    boolean first = submitted == 0;
    Batch<I, T> batch = new Batch<>(submitted, items);
    batches.addLast(batch);
    submitted += items.size();
    running++;
    // The queue's limit is for requests that begin: it does not cut off one half way.
    Future<List<T>> images = first
        ? engine.generate(lease.generator(), latents, order.noise(), this::isOver, order.encoder(), call.context())
        : engine.generateMore(lease.generator(), latents, order.noise(), this::isOver, order.encoder(), call.context());
    images.onComplete(done -> {
      running--;
      if (done.failed()) {
        end(done.cause());
      } else if (!ended) {
        batch.images = done.result();
        proceed();
      }
      release();
    });
  }

  private boolean isOver() {
    return ended || call.isOver();
  }

  private void end(@Nullable Throwable failure) {
    if (ended) {
      return;
    }
    ended = true;
    batches.clear();
    release();
    if (failure == null) {
      promise.complete();
    } else {
      promise.fail(failure);
    }
  }

  /** Lets the version go as soon as nothing uses it any more. */
  private void release() {
    if (ended && running == 0) {
      lease.close();
    }
  }
}
