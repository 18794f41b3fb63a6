package dev.lethe.server.openinference;

import dev.lethe.inference.InferParameter;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferResponse;
import dev.lethe.inference.ModelStreamInferResponse;
import dev.lethe.server.logging.SafeText;
import dev.lethe.server.rpc.Call;
import dev.lethe.server.rpc.FailureStatus;
import dev.lethe.server.rpc.Sink;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * One call of {@code ModelStreamInfer}. Requests are computed side by side and answered in order. The next one is read
 * only while those that are not answered yet are less work than keeps their models busy, so that a client that does not
 * read holds no more than that and one request in memory.
 */
final class InferStream implements Sink<ModelInferRequest> {

  /** What a client that asked for it looks for in the last answer to a request. */
  private static final String FINAL_RESPONSE = "triton_final_response";
  /** The share of a request that is refused: it costs nothing but its answer. */
  private static final double REFUSED = 0.03;

  private final Inference inference;
  private final Call<ModelStreamInferResponse> call;
  private final Deque<Pending> pending = new ArrayDeque<>();
  // Of those that are not answered yet, each by what keeps its own model busy: below 1, the next request may come.
  private double work;
  // Set while the next request has to wait.
  private Promise<Void> room;
  private boolean ended;

  private static final class Pending {
    final double share;
    ModelStreamInferResponse answer;

    Pending(double share) {
      this.share = share;
    }
  }

  InferStream(Inference inference, Call<ModelStreamInferResponse> call) {
    this.inference = inference;
    this.call = call;
    call.onDrain(this::proceed);
  }

  @Override
  public Future<Void> message(ModelInferRequest request) {
    Promise<Void> taken = Promise.promise();
    // Of a request that waits for its answer no more is kept than this, and what its images are made from.
    String id = SafeText.bounded(request.getId(), Inference.LONGEST_ID);
    inference.prepare(request, call).onComplete(prepared -> {
      Pending mine = new Pending(prepared.succeeded() ? prepared.result().share() : REFUSED);
      pending.addLast(mine);
      work += mine.share;
      room = taken;
      Future<ModelInferResponse> answer = prepared.succeeded() ? prepared.result().start(id)
          : Future.failedFuture(prepared.cause());
      answer.onComplete(done -> {
        if (done.succeeded()) {
          mine.answer = answered(done.result());
        } else {
          FailureStatus.text(done.cause()).ifPresentOrElse(said -> mine.answer = refused(id, said),
              () -> call.fail(done.cause()));
        }
        proceed();
      });
      proceed();
    });
    return taken.future();
  }

  private static ModelStreamInferResponse answered(ModelInferResponse answer) {
    return ModelStreamInferResponse.newBuilder()
        .setInferResponse(answer.toBuilder().putParameters(FINAL_RESPONSE, yes()))
        .build();
  }

  private static ModelStreamInferResponse refused(String id, String error) {
    return ModelStreamInferResponse.newBuilder()
        .setErrorMessage(error)
        .setInferResponse(ModelInferResponse.newBuilder().setId(id).putParameters(FINAL_RESPONSE, yes()))
        .build();
  }

  private static InferParameter yes() {
    return InferParameter.newBuilder().setBoolParam(true).build();
  }

  /** Does what can be done now: sends answers in order while the client takes them, lets the next request in. */
  private void proceed() {
    if (call.isOver()) {
      letNextIn();
      return;
    }
    while (!pending.isEmpty() && pending.peekFirst().answer != null && !call.isFull()) {
      Pending first = pending.removeFirst();
      work -= first.share;
      call.send(first.answer);
    }
    if (pending.isEmpty()) {
      work = 0;
    }
    if (work < 1) {
      letNextIn();
    }
    if (ended && pending.isEmpty()) {
      call.finish();
    }
  }

  private void letNextIn() {
    if (room != null) {
      Promise<Void> next = room;
      room = null;
      next.complete();
    }
  }

  @Override
  public void end() {
    ended = true;
    proceed();
  }

  @Override
  public void abandoned() {
    pending.clear();
    // What a client sends to a call that is over is read and dropped, so that it does not fill up its connection.
    letNextIn();
  }
}
