package dev.lethe.server.openinference;

import com.google.protobuf.ByteString;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.images.ImageRun;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.Latent;
import dev.lethe.server.inference.Noise;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.security.Latents;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** From a request to a run of it. */
final class Inference {

  /** Most bytes of images in one answer, before compression. */
  private static final long LARGEST_ANSWER_BYTES = 64L << 20;
  /** Characters of a request's id, which its answer repeats. */
  static final int LONGEST_ID = 256;

  private final ModelRegistry registry;
  private final InferenceEngine engine;
  private final LatentRules latents;
  private final int mostImages;

  /**
   * @param latents what clients may send
   * @param mostImages in one request, of models whose images are small enough
   */
  Inference(ModelRegistry registry, InferenceEngine engine, LatentRules latents, int mostImages) {
    this.registry = registry;
    this.engine = engine;
    this.latents = latents;
    this.mostImages = mostImages;
  }

  InferenceEngine engine() {
    return engine;
  }

  /** What the caller may send for the version of this card. */
  Latents open(ModelCard card, Call<?> call) {
    return latents.of(card, call.caller().principal());
  }

  /** Most images of this model in one request. */
  int mostImages(ModelCard card) {
    ModelCard.Network network = card.network();
    long bytes = (long) Float.BYTES * network.channels() * network.resolution() * network.resolution();
    return (int) Math.max(1, Math.min(mostImages, LARGEST_ANSWER_BYTES / bytes));
  }

  /** A checked request that holds its version; to be started once. */
  record Prepared(ImageRun<?, ?> run, InferAnswers answers, List<List<ByteString>> images) {

    /** How much it is of the work that keeps its version busy. */
    double share() {
      return run.share();
    }

    /**
     * @param id of the request, for its answer
     * @return the failure of {@link ImageRun#start}, if there is one
     */
    Future<ModelInferResponse> start(String id) {
      return run.start().map(all -> answers.answer(id, images));
    }
  }

  private Prepared prepared(Call<?> call, Lease lease, InferPlan plan) {
    InferAnswers answers = new InferAnswers(lease.card(), plan);
    List<List<ByteString>> images = new ArrayList<>(plan.count());
    ImageRun.Order<Latent, List<ByteString>> order = new ImageRun.Order<>(plan.count(), plan.latents(),
        Function.identity(), Noise.CONST, (pixels, ws) -> answers.encode(pixels));
    return new Prepared(new ImageRun<>(call, lease, engine, order, lease.generator().window(),
        (index, latent, image) -> images.add(image)), answers, images);
  }

  /**
   * Checks a request and takes its version, which is loaded if it is not in memory.
   *
   * @return a run to be started; or NOT_FOUND for a model or version that there is not, UNAVAILABLE for an unloaded
   *     model, INVALID_ARGUMENT, FAILED_PRECONDITION for a class that was unlearned, PERMISSION_DENIED for latents
   *     that are closed to the caller, RESOURCE_EXHAUSTED above its rate
   */
  Future<Prepared> prepare(ModelInferRequest request, Call<?> call) {
    if (request.getId().length() > LONGEST_ID) {
      return Future.failedFuture(new Invalid("id: has " + request.getId().length() + " characters; it may have "
          + LONGEST_ID));
    }
    return Future.succeededFuture(request)
        .compose(r -> registry.model(r.getModelName()).lease(r.getModelVersion()))
        .map(lease -> {
          try {
            InferPlan plan = InferRequests.check(request, lease.card(), mostImages(lease.card()),
                open(lease.card(), call));
            call.caller().chargeImages(plan.count());
            return prepared(call, lease, plan);
          } catch (RuntimeException e) {
            lease.close();
            throw e;
          }
        });
  }
}
