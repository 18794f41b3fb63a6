package dev.lethe.bench.targets;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.MessageLite;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToIntFunction;

/** From the futures of gRPC's stubs to those of load generators. */
final class Answers {

  private Answers() {}

  /**
   * The bytes of an answer.
   *
   * @param imageBytes of the image in it; one without an image fails
   */
  static <M extends MessageLite> CompletableFuture<Integer> bytes(ListenableFuture<M> answer,
      ToIntFunction<M> imageBytes) {
    CompletableFuture<Integer> bytes = new CompletableFuture<>();
    Futures.addCallback(answer, new FutureCallback<>() {
      @Override
      public void onSuccess(M message) {
        if (imageBytes.applyAsInt(message) == 0) {
          bytes.completeExceptionally(new IllegalStateException("an answer has no image"));
        } else {
          bytes.complete(message.getSerializedSize());
        }
      }

      @Override
      public void onFailure(Throwable error) {
        bytes.completeExceptionally(error);
      }
    }, MoreExecutors.directExecutor());
    return bytes;
  }
}
