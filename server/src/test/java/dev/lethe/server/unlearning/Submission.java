package dev.lethe.server.unlearning;

import com.google.protobuf.ByteString;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UploadedImages;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** A submission as clients send it. */
final class Submission {

  private Submission() {}

  /** Sends all of it; completes with the job, or fails with what the server says. */
  static CompletableFuture<Job> send(Channel channel, SubmitRequest... messages) {
    CompletableFuture<Job> answer = new CompletableFuture<>();
    StreamObserver<SubmitRequest> upload = UnlearningServiceGrpc.newStub(channel).submit(observer(answer));
    for (SubmitRequest message : messages) {
      upload.onNext(message);
    }
    upload.onCompleted();
    return answer;
  }

  /** Takes the server's answer. */
  static StreamObserver<Job> observer(CompletableFuture<Job> answer) {
    return new StreamObserver<>() {
      @Override
      public void onNext(Job job) {
        answer.complete(job);
      }

      @Override
      public void onError(Throwable failure) {
        answer.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {
        answer.completeExceptionally(new IllegalStateException("no job"));
      }
    };
  }

  static SubmitRequest of(UnlearnSpec spec) {
    return SubmitRequest.newBuilder().setSpec(spec).build();
  }

  static SubmitRequest images(ImageRole role, LabelledImage... images) {
    return SubmitRequest.newBuilder()
        .setImages(UploadedImages.newBuilder().setRole(role).addAllImages(List.of(images))).build();
  }

  /** @param pixels of a grey image of 32 x 32 */
  static LabelledImage labelled(byte[] pixels, String label) {
    return labelled(ByteString.copyFrom(ImageEncoder.png(pixels, 1, 32, 32)), label);
  }

  static LabelledImage labelled(ByteString file, String label) {
    return LabelledImage.newBuilder().setImage(Image.newBuilder().setData(file)).setLabel(label).build();
  }

  /** Pixels of a grey image of 32 x 32, the same for the same seed. */
  static byte[] pixels(long seed) {
    byte[] pixels = new byte[32 * 32];
    new Random(seed).nextBytes(pixels);
    return pixels;
  }
}
