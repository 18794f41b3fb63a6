package dev.lethe.server.openinference;

import dev.lethe.inference.ModelInferRequest;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.errors.DomainException.Invalid;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.security.Latents;
import io.vertx.core.Future;

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

  /** What the caller may send for the model of this name. */
  Latents open(String model, Call<?> call) {
    return latents.of(model, call.caller().principal());
  }

  /** Most images of this model in one request. */
  int mostImages(ModelCard card) {
    ModelCard.Network network = card.network();
    long bytes = (long) Float.BYTES * network.channels() * network.resolution() * network.resolution();
    return (int) Math.max(1, Math.min(mostImages, LARGEST_ANSWER_BYTES / bytes));
  }

  /**
   * Checks a request and takes its version, which is loaded if it is not in memory.
   *
   * @return a run to be started; or NOT_FOUND for a model or version that there is not, UNAVAILABLE for an unloaded
   *     model, INVALID_ARGUMENT, FAILED_PRECONDITION for a class that was unlearned, PERMISSION_DENIED for latents
   *     that are closed to the caller, RESOURCE_EXHAUSTED above its rate
   */
  Future<InferRun> prepare(ModelInferRequest request, Call<?> call) {
    if (request.getId().length() > LONGEST_ID) {
      return Future.failedFuture(new Invalid("id: has " + request.getId().length() + " characters; it may have "
          + LONGEST_ID));
    }
    return Future.succeededFuture(request)
        .compose(r -> registry.model(r.getModelName()).lease(r.getModelVersion()))
        .map(lease -> {
          try {
            InferPlan plan = InferRequests.check(request, lease.card(), mostImages(lease.card()),
                open(lease.card().name(), call));
            call.caller().chargeImages(plan.count());
            return new InferRun(call, lease, engine, plan);
          } catch (RuntimeException e) {
            lease.close();
            throw e;
          }
        });
  }
}
