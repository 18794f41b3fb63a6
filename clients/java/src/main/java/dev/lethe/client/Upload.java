package dev.lethe.client;

import dev.lethe.v1.ImageRole;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The client's side of {@code Submit} and {@code Inspect}: sends as fast as the server takes messages, so that it buffers only a few. */
final class Upload<R> implements ClientResponseObserver<SubmitRequest, R> {

  /** Messages stay well below gRPC's usual limit of 4 MiB; an image larger than this goes alone. */
  private static final int MESSAGE_BYTES = 1 << 20;

  private static final Pattern ABOVE_LIMIT = Pattern.compile("a message of \\w+ exceeds the limit of (\\d{1,18}) bytes");

  private final Iterator<SubmitRequest> messages;
  private final Consumer<R> answers;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private ClientCallStreamObserver<SubmitRequest> call;
  private boolean completed;

  /** @param answers told of each answer, on a thread of the channel's */
  Upload(Iterator<SubmitRequest> messages, Consumer<R> answers) {
    this.messages = messages;
    this.answers = answers;
  }

  /** The specification, then the images in order, several in a message. */
  static List<SubmitRequest> messages(UnlearnSpec spec, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    List<SubmitRequest> messages = new ArrayList<>();
    messages.add(SubmitRequest.newBuilder().setSpec(spec).build());
    addImages(messages, unlearn, ImageRole.IMAGE_ROLE_UNLEARN);
    addImages(messages, learn, ImageRole.IMAGE_ROLE_LEARN);
    return messages;
  }

  /** Where the first image of a name is in a request; empty of an empty name, and of one that is not there. */
  static Optional<String> place(String name, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    for (List<LabelledImage> images : List.of(unlearn, learn)) {
      for (int i = 0; i < images.size(); i++) {
        if (!name.isEmpty() && images.get(i).getName().equals(name)) {
          return Optional.of((images == unlearn ? "unlearn" : "learn") + " images[" + i + "]");
        }
      }
    }
    return Optional.empty();
  }

  /** The same error, of a refusal by size with the image at fault: the server does not read what is too large. */
  static LetheException placed(LetheException error, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    Matcher limit = ABOVE_LIMIT.matcher(error.getMessage());
    if (!limit.find()) {
      return error.placed(name -> place(name, unlearn, learn));
    }
    for (List<LabelledImage> images : List.of(unlearn, learn)) {
      for (int i = 0; i < images.size(); i++) {
        // One that large goes alone.
        SubmitRequest alone = SubmitRequest.newBuilder().setImages(UploadedImages.newBuilder().addImages(images.get(i))
            .setRole(images == unlearn ? ImageRole.IMAGE_ROLE_UNLEARN : ImageRole.IMAGE_ROLE_LEARN)).build();
        if (alone.getSerializedSize() > Long.parseLong(limit.group(1))) {
          String place = (images == unlearn ? "unlearn" : "learn") + " images[" + i + "].image";
          return error.of(images.get(i).getName().isEmpty() ? place : images.get(i).getName(), place);
        }
      }
    }
    return error;
  }

  private static void addImages(List<SubmitRequest> messages, List<LabelledImage> images, ImageRole role) {
    UploadedImages.Builder message = UploadedImages.newBuilder().setRole(role);
    int bytes = 0;
    for (LabelledImage image : images) {
      if (message.getImagesCount() > 0 && bytes + image.getSerializedSize() > MESSAGE_BYTES) {
        messages.add(SubmitRequest.newBuilder().setImages(message).build());
        message.clearImages();
        bytes = 0;
      }
      message.addImages(image);
      bytes += image.getSerializedSize();
    }
    if (message.getImagesCount() > 0) {
      messages.add(SubmitRequest.newBuilder().setImages(message).build());
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<SubmitRequest> stream) {
    call = stream;
    stream.setOnReadyHandler(this::send);
  }

  /** Called whenever the transport takes messages again, never by two threads at once. */
  private void send() {
    while (call.isReady() && messages.hasNext()) {
      call.onNext(messages.next());
    }
    if (!messages.hasNext() && !completed) {
      completed = true;
      call.onCompleted();
    }
  }

  @Override
  public void onNext(R answer) {
    answers.accept(answer);
  }

  @Override
  public void onError(Throwable t) {
    ended.completeExceptionally(t);
  }

  @Override
  public void onCompleted() {
    ended.complete(null);
  }

  /** Waits for the server's last word. */
  void await() {
    try {
      ended.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StatusRuntimeException status) {
        throw LetheException.of(status);
      }
      throw new LetheException(Status.Code.UNKNOWN, String.valueOf(e.getCause()), e.getCause());
    } catch (InterruptedException e) {
      call.cancel("interrupted", e);
      Thread.currentThread().interrupt();
      throw new LetheException(Status.Code.CANCELLED, "interrupted while uploading", e);
    }
  }
}
