package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.rpc.RawHttp2;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UploadedImages;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad weather: large uploads, refused calls and connections that nobody uses leave a server as large as it was. The
 * suite's form is short; {@code scripts/soak} runs the long one.
 */
@Timeout(1800)
class WeatherSoakIT {

  private static final int IMAGES = Integer.getInteger("lethe.test.soak.images", 400);
  private static final int REFUSED = Integer.getInteger("lethe.test.soak.refused", 60);
  private static final int CONNECTIONS = Integer.getInteger("lethe.test.soak.connections", 100);
  private static final int IMAGES_OF_A_MESSAGE = 100;
  /** How much larger it may be afterwards. */
  private static final double GROWTH = 0.2;

  @TempDir
  Path root;

  @Test
  void badWeatherLeavesNothingBehind() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", "false", "max-message", "1",
        "handshake-timeout", "2", "max-connections", "1200"))) {
      // The first time all that is used is loaded, and the heap finds its size.
      weather(server);
      ProcessFootprint before = calm(server);
      weather(server);
      ProcessFootprint after = calm(server);
      System.out.printf("%d images, %d refused calls, %d connections: %s before, %s after%n", IMAGES, REFUSED,
          CONNECTIONS, before, after);
      assertTrue(after.residentKib() <= before.residentKib() * (1 + GROWTH), before + ", then " + after);
      assertTrue(after.threads() <= before.threads() + 16, before + ", then " + after);
      assertEquals(before.bufferBytes(), after.bufferBytes());
      assertEquals(1, server.generation().generate(GenerateRequest.getDefaultInstance()).getImagesCount());
    }
  }

  private static void weather(ServerFixture server) throws Exception {
    List<RawHttp2> idle = new ArrayList<>();
    try {
      for (int i = 0; i < CONNECTIONS; i++) {
        RawHttp2 connection = new RawHttp2(server.port());
        idle.add(i % 2 == 0 ? connection : connection.preface());
      }
      upload(server, IMAGES);
      for (int i = 0; i < REFUSED; i++) {
        refuse(server, i);
      }
      // The server lets go of them by itself: each second one is counted, since it has said what it speaks.
      Until.holds(() -> server.metric("lethe_connections") <= 2);
    } finally {
      for (RawHttp2 connection : idle) {
        connection.close();
      }
    }
  }

  /** A job of so many images, no two of them the same; its worker fails at once. */
  private static void upload(ServerFixture server, int images) throws Exception {
    CompletableFuture<Job> submitted = new CompletableFuture<>();
    UnlearningServiceGrpc.newStub(server.channel()).submit(new ClientResponseObserver<SubmitRequest, Job>() {
      private int sent = -1;

      @Override
      public void beforeStart(ClientCallStreamObserver<SubmitRequest> upload) {
        upload.setOnReadyHandler(() -> {
          while (upload.isReady() && sent < images) {
            if (sent < 0) {
              sent = 0;
              upload.onNext(SubmitRequest.newBuilder().setSpec(UnlearnSpec.newBuilder().setModel("tiny")).build());
            } else {
              int next = Math.min(images, sent + IMAGES_OF_A_MESSAGE);
              upload.onNext(images(sent, next));
              sent = next;
              if (sent == images) {
                upload.onCompleted();
              }
            }
          }
        });
      }

      @Override
      public void onNext(Job job) {
        submitted.complete(job);
      }

      @Override
      public void onError(Throwable failure) {
        submitted.completeExceptionally(failure);
      }

      @Override
      public void onCompleted() {}
    });
    assertEquals(images, submitted.get(20, TimeUnit.MINUTES).getUnlearnImages());
  }

  private static SubmitRequest images(int from, int to) {
    UploadedImages.Builder images = UploadedImages.newBuilder().setRole(ImageRole.IMAGE_ROLE_UNLEARN);
    for (int i = from; i < to; i++) {
      byte[] pixels = new byte[32 * 32];
      ByteBuffer.wrap(pixels).putInt(i);
      images.addImages(LabelledImage.newBuilder().setLabel("seven").setImage(
          Image.newBuilder().setData(ByteString.copyFrom(ImageEncoder.png(pixels, 1, 32, 32)))));
    }
    return SubmitRequest.newBuilder().setImages(images).build();
  }

  private static void refuse(ServerFixture server, int number) {
    GenerateRequest request = switch (number % 3) {
      case 0 -> GenerateRequest.newBuilder().setCount(100_000).build();
      case 1 -> GenerateRequest.newBuilder().setModel("x".repeat(500_000)).build();
      default -> {
        Seeds.Builder seeds = Seeds.newBuilder();
        for (int i = 0; i < 300_000; i++) {
          seeds.addValues(-1);
        }
        yield GenerateRequest.newBuilder().setSeeds(seeds).build();
      }
    };
    assertThrows(StatusRuntimeException.class, () -> server.generation().generate(request));
  }

  /** The footprint once nothing is under way. */
  private static ProcessFootprint calm(ServerFixture server) throws Exception {
    Until.holds(() -> server.metric("lethe_grpc_arriving_bytes") == 0
        && server.metric("lethe_unlearning_jobs{state=\"running\",}") == 0
        && server.metric("lethe_unlearning_jobs{state=\"queued\",}") == 0);
    // The first collection finds what finalizers and cleaners let go of, the second takes it.
    ProcessFootprint.of(server, "tiny");
    return ProcessFootprint.of(server, "tiny");
  }
}
