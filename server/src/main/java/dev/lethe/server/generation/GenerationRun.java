package dev.lethe.server.generation;

import dev.lethe.server.generation.GenerationPlan.Item;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.rpc.Call;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Image;
import dev.lethe.v1.Vector;
import io.vertx.core.Future;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Carries out a plan: batches go to the engine, a few at once, and their images to the receiver in order, no faster
 * than it takes them. Lives on the call's context; what it holds in memory is {@code window} batches at most.
 *
 * <p>The lease ends when the last batch that was submitted has come back, whatever became of the call.
 */
final class GenerationRun {

  private final Call<?> call;
  private final Lease lease;
  private final InferenceEngine engine;
  private final GenerationPlan plan;
  private final ImageFormatter formatter;
  private final int window;
  private final int batchSize;
  private final BooleanSupplier full;
  private final Consumer<GeneratedImage> emit;
  private final Runnable finish;

  // Batches in order of their images; the first is sent from as soon as it is there.
  private final Deque<Batch> batches = new ArrayDeque<>();
  private int submitted;
  private int emitted;
  private int running;

  private static final class Batch {
    final int first;
    final List<Item> items;
    List<Made> images;

    Batch(int first, List<Item> items) {
      this.first = first;
      this.items = items;
    }
  }

  /** @param w [num_ws * w_dim], if it is asked for */
  private record Made(Image image, Optional<Vector> w) {}

  /**
   * @param window batches that are computed or wait to be sent, at once
   * @param full asked before each image: whether the receiver wants no more now; then {@link #proceed} when it does
   * @param emit takes an image
   * @param finish run after the last image
   */
  GenerationRun(Call<?> call, Lease lease, InferenceEngine engine, GenerationPlan plan, int window,
      BooleanSupplier full, Consumer<GeneratedImage> emit, Runnable finish) {
    this.call = call;
    this.lease = lease;
    this.engine = engine;
    this.plan = plan;
    this.formatter = new ImageFormatter(lease.card().network(), plan.format());
    this.window = window;
    this.batchSize = lease.generator().batchSize();
    this.full = full;
    this.emit = emit;
    this.finish = finish;
  }

  void start() {
    call.onAbandoned(this::abandoned);
    proceed();
  }

  /** Does what can be done now: sends what is ready and wanted, and submits more. */
  void proceed() {
    if (call.isOver()) {
      return;
    }
    try {
      call.step(this::sendAndSubmit);
    } catch (RuntimeException e) {
      call.fail(e);
    }
  }

  private void sendAndSubmit() {
    while (!batches.isEmpty() && batches.peekFirst().images != null) {
      Batch first = batches.peekFirst();
      while (emitted < first.first + first.images.size()) {
        if (full.getAsBoolean()) {
          return;
        }
        int index = emitted++;
        int at = index - first.first;
        emit.accept(image(index, first.items.get(at), first.images.get(at)));
      }
      batches.removeFirst();
    }
    if (emitted == plan.count()) {
      finish.run();
      lease.close();
      return;
    }
    while (batches.size() < window && submitted < plan.count() && !call.isOver()) {
      submit();
    }
  }

  private void submit() {
    List<Item> items = new ArrayList<>(batchSize);
    List<Latent> latents = new ArrayList<>(batchSize);
    for (int i = submitted; i < Math.min(plan.count(), submitted + batchSize); i++) {
      Item item = plan.items().apply(i);
      items.add(item);
      latents.add(item.latent());
    }
    boolean first = submitted == 0;
    Batch batch = new Batch(submitted, items);
    batches.addLast(batch);
    submitted += items.size();
    running++;
    // The queue's limit is for calls that begin: it does not cut off a stream.
    Future<List<Made>> images = first
        ? engine.generate(lease.generator(), latents, plan.noise(), call::isOver, this::made, call.context())
        : engine.generateMore(lease.generator(), latents, plan.noise(), call::isOver, this::made, call.context());
    images.onComplete(done -> {
      running--;
      if (call.isOver()) {
        abandoned();
      } else if (done.failed()) {
        call.fail(done.cause());
      } else {
        batch.images = done.result();
        proceed();
      }
    });
  }

  private void abandoned() {
    batches.clear();
    if (running == 0) {
      lease.close();
    }
  }

  private Made made(FloatBuffer pixels, float[] ws) {
    if (!plan.includeW()) {
      return new Made(formatter.format(pixels), Optional.empty());
    }
    Vector.Builder w = Vector.newBuilder();
    for (float value : ws) {
      w.addValues(value);
    }
    return new Made(formatter.format(pixels), Optional.of(w.build()));
  }

  private GeneratedImage image(int index, Item item, Made made) {
    GeneratedImage.Builder generated = GeneratedImage.newBuilder()
        .setIndex(index)
        .setImage(made.image())
        .setVersion(lease.card().version());
    made.w().ifPresent(generated::setW);
    item.seed().ifPresent(seed -> generated.setSeed((int) seed));
    if (item.label() != null) {
      generated.setLabel(item.label());
    }
    return generated.build();
  }
}
