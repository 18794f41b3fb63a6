package dev.lethe.server.openinference;

import com.google.protobuf.ByteString;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.server.inference.Encoder;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.inference.Noise;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.rpc.Call;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Carries out one request: its images go to the engine a few batches at a time, so that those of others get their turn
 * too. Lives on the call's context. The lease ends with it.
 */
final class InferRun {

  private final Call<?> call;
  private final Lease lease;
  private final InferenceEngine engine;
  private final InferPlan plan;
  private final InferAnswers answers;
  private final int batchSize;
  private final int window;
  private final List<List<ByteString>> images;
  private final Promise<List<List<ByteString>>> promise = Promise.promise();

  private int submitted;
  private int running;
  private Throwable failure;

  @SuppressWarnings("unchecked")
  InferRun(Call<?> call, Lease lease, InferenceEngine engine, InferPlan plan) {
    this.call = call;
    this.lease = lease;
    this.engine = engine;
    this.plan = plan;
    this.answers = new InferAnswers(lease.card(), plan);
    this.batchSize = lease.generator().batchSize();
    this.window = lease.generator().window();
    this.images = new ArrayList<>(Collections.nCopies(plan.count(), null));
  }

  /** How much it is of the work that keeps its version busy. */
  double share() {
    return plan.count() / ((double) batchSize * window);
  }

  /**
   * Call once.
   *
   * @param id of the request, for its answer
   * @return the failure of {@link InferenceEngine#generate}, if any image failed
   */
  Future<ModelInferResponse> start(String id) {
    submit();
    while (running < window && submitted < plan.count() && failure == null) {
      submit();
    }
    return promise.future().onComplete(done -> lease.close()).map(all -> answers.answer(id, all));
  }

  private void submit() {
    int first = submitted;
    int after = Math.min(plan.count(), first + batchSize);
    List<Latent> latents = new ArrayList<>(after - first);
    for (int i = first; i < after; i++) {
      latents.add(plan.latents().apply(i));
    }
    submitted = after;
    running++;
    Encoder<List<ByteString>> encoder = (image, ws) -> answers.encode(image);
    // The queue's limit is for requests that begin: it does not cut off one half way.
    Future<List<List<ByteString>>> batch = first == 0
        ? engine.generate(lease.generator(), latents, Noise.CONST, call::isOver, encoder, call.context())
        : engine.generateMore(lease.generator(), latents, Noise.CONST, call::isOver, encoder, call.context());
    batch.onComplete(done -> {
      running--;
      if (done.failed()) {
        failure = done.cause();
      } else {
        for (int i = first; i < after; i++) {
          images.set(i, done.result().get(i - first));
        }
      }
      proceed();
    });
  }

  private void proceed() {
    if (failure == null && call.isOver()) {
      failure = new CancellationException("nobody waits for these images");
    }
    if (failure == null && submitted < plan.count()) {
      call.step(this::submit);
    } else if (running == 0) {
      // Only now does nothing use the version any more.
      if (failure == null) {
        promise.complete(images);
      } else {
        promise.fail(failure);
      }
    }
  }
}
