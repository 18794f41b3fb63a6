package dev.lethe.server.generation;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.server.images.ImageRun;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.LatentRules;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.ImageFormat;
import io.vertx.grpc.server.Service;
import java.util.function.Consumer;

/** {@code lethe.v1.GenerationService}. */
public final class GenerationService {

  /** Most bytes of images in one answer, before compression. */
  static final long LARGEST_ANSWER_BYTES = 64L << 20;
  /** Batches of a stream in memory: one that is sent, one that is computed. */
  private static final int STREAM_WINDOW = 2;

  private final ModelRegistry registry;
  private final InferenceEngine engine;
  private final LatentRules latents;
  private final int largestAnswer;
  private final int largestStream;

  /**
   * @param latents what clients may send
   * @param largestAnswer most images in one answer
   * @param largestStream most images in one stream
   */
  public GenerationService(ModelRegistry registry, InferenceEngine engine, LatentRules latents, int largestAnswer,
      int largestStream) {
    this.registry = registry;
    this.engine = engine;
    this.latents = latents;
    this.largestAnswer = largestAnswer;
    this.largestStream = largestStream;
  }

  public Service service(RpcService.Settings settings) {
    return RpcService.of(GenerationServiceGrpc.getServiceDescriptor(), settings)
        .serverStreaming(GenerationServiceGrpc.getGenerateMethod(), this::generate)
        .serverStreaming(GenerationServiceGrpc.getGenerateStreamMethod(), this::generateStream)
        .build();
  }

  private void generate(GenerateRequest request, Call<GenerateResponse> call) {
    withVersion(request, call, lease -> {
      GenerationPlan plan = check(request, lease, call, largestAnswer);
      checkAnswerSize(plan, lease.card());
      call.caller().chargeImages(plan.count());
      GenerateResponse.Builder answer = GenerateResponse.newBuilder()
          .setModel(lease.card().name())
          .setVersion(lease.card().version());
      GeneratedImages images = new GeneratedImages(lease.card(), plan);
      new ImageRun<>(call, lease, engine, images.order(), lease.generator().window(),
          images.to(() -> false, answer::addImages)).start().onFailure(call::fail).onSuccess(all -> {
            call.send(answer.build());
            call.finish();
          });
    });
  }

  private void generateStream(GenerateRequest request, Call<GeneratedImage> call) {
    withVersion(request, call, lease -> {
      GenerationPlan plan = check(request, lease, call, largestStream);
      Pace pace = new Pace(call);
      GeneratedImages images = new GeneratedImages(lease.card(), plan);
      ImageRun<?, ?> run = new ImageRun<>(call, lease, engine, images.order(), STREAM_WINDOW,
          images.to(pace::holdsBack, call::send));
      pace.onRelease(run::proceed);
      call.onAbandoned(run::proceed);
      run.start().onFailure(call::fail).onSuccess(all -> call.finish());
    });
  }

  private GenerationPlan check(GenerateRequest request, Lease lease, Call<?> call, int largestCount) {
    return GenerationRequests.check(request, lease.card(), largestCount,
        latents.of(lease.card(), call.caller().principal()));
  }

  private void withVersion(GenerateRequest request, Call<?> call, Consumer<Lease> use) {
    registry.model(request.getModel()).lease(request.getVersion()).onFailure(call::fail).onSuccess(lease -> {
      if (call.isOver()) {
        lease.close();
        return;
      }
      try {
        use.accept(lease);
      } catch (RuntimeException e) {
        lease.close();
        call.fail(e);
      }
    });
  }

  private static void checkAnswerSize(GenerationPlan plan, ModelCard card) {
    ModelCard.Network network = card.network();
    long values = (long) network.channels() * network.resolution() * network.resolution();
    long bytes = values * (plan.format() == ImageFormat.IMAGE_FORMAT_RAW ? Float.BYTES : 1);
    if (plan.count() * bytes > LARGEST_ANSWER_BYTES) {
      throw GenerationRequests.invalid("count: " + plan.count() + " images of " + bytes + " bytes exceed the limit of "
          + LARGEST_ANSWER_BYTES + " bytes in one answer; ask for at most " + LARGEST_ANSWER_BYTES / bytes
          + ", or use GenerateStream");
    }
  }
}
