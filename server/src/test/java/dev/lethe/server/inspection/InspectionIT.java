package dev.lethe.server.inspection;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.unlearning.WorkerCommand;
import dev.lethe.v1.InspectEvent;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFit;
import dev.lethe.v1.InspectionServiceGrpc;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ProjectEvent;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UploadedImages;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Studies through a real server; their worker is a double that speaks its protocol. */
class InspectionIT {

  @TempDir private Path root;
  private ServerFixture server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.unconditional(root.resolve("models"), "tiny", "v1");
    // Of a server that was ended.
    Files.createDirectories(root.resolve("jobs/.study-1/unlearn"));
    server = ServerFixture.start(root, Map.of("worker-command", ServerFixture.line(new WorkerCommand(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-cp",
        System.getProperty("java.class.path"), StudyDouble.class.getName())))));
    channel = server.newChannel();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  private List<ProjectEvent> project(LabelledImage image, ImageFit fit) {
    List<ProjectEvent> events = new ArrayList<>();
    InspectionServiceGrpc.newBlockingStub(channel)
        .project(ProjectRequest.newBuilder().setModel("tiny").setImage(image).setFit(fit).build())
        .forEachRemaining(events::add);
    return events;
  }

  private static LabelledImage image(String name, int size) {
    return LabelledImage.newBuilder().setName(name).setImage(Image.newBuilder()
        .setData(ByteString.copyFrom(ImageEncoder.png(new byte[size * size], 1, size, size)))).build();
  }

  @Test
  void aProjectionTellsHowItGoesAndLeavesNothing() throws IOException {
    List<ProjectEvent> events = project(image("digit.png", 28), ImageFit.IMAGE_FIT_PAD);
    assertTrue(events.get(0).hasProgress());
    Projection found = events.get(events.size() - 1).getProjection();
    assertEquals(0.25, found.getError());
    // The worker finds no image that can be read without its key, and what it leaves cannot be either.
    assertEquals("PNG", found.getImagePng().substring(1, 4).toStringUtf8());
    try (Stream<Path> left = Files.list(root.resolve("jobs"))) {
      assertTrue(left.noneMatch(path -> path.getFileName().toString().startsWith(".study-")));
    }
  }

  /** What a job of the same specification is refused for, its dry run is refused for too. */
  @Test
  void aDryRunIsRefusedWhereItsJobIs() {
    AtomicReference<Throwable> refusal = new AtomicReference<>();
    CountDownLatch ended = new CountDownLatch(1);
    StreamObserver<SubmitRequest> upload = InspectionServiceGrpc.newStub(channel).inspect(new StreamObserver<>() {
      @Override
      public void onNext(InspectEvent event) {}

      @Override
      public void onError(Throwable error) {
        refusal.set(error);
        ended.countDown();
      }

      @Override
      public void onCompleted() {
        ended.countDown();
      }
    });
    upload.onNext(SubmitRequest.newBuilder().setSpec(UnlearnSpec.newBuilder().setModel("tiny")
        .setFit(ImageFit.IMAGE_FIT_PAD).setMode(UnlearnMode.UNLEARN_MODE_FEW_SHOT)).build());
    upload.onNext(SubmitRequest.newBuilder().setImages(UploadedImages.newBuilder().addImages(image("digit.png", 28)))
        .build());
    upload.onCompleted();
    assertTrue(assertDoesNotThrow(() -> ended.await(60, TimeUnit.SECONDS)));
    assertTrue(String.valueOf(refusal.get()).contains("INVALID_ARGUMENT: images: there is none of role LEARN"),
        () -> "" + refusal.get());
  }

  @Test
  void mistakesNameTheFileAndTheRemedy() {
    StatusRuntimeException size =
        assertThrows(StatusRuntimeException.class, () -> project(image("digit.png", 28), ImageFit.IMAGE_FIT_EXACT));
    assertEquals(Code.INVALID_ARGUMENT, size.getStatus().getCode());
    assertTrue(size.getStatus().getDescription().startsWith("digit.png: the image is 28x28 pixels"), size.getMessage());
    assertTrue(size.getStatus().getDescription().contains("--fit pad"), size.getMessage());
    StatusRuntimeException failed =
        assertThrows(StatusRuntimeException.class, () -> project(image("fail.png", 32), ImageFit.IMAGE_FIT_EXACT));
    assertEquals("it cannot be found", failed.getStatus().getDescription());
  }
}
