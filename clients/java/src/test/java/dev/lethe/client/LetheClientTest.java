package dev.lethe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.Seeds;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import io.grpc.Status;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LetheClientTest {

  private FakeServer server;
  private LetheClient lethe;

  @BeforeEach
  void connect() throws IOException {
    server = new FakeServer();
    lethe = server.client();
  }

  @AfterEach
  void disconnect() {
    lethe.close();
    server.close();
  }

  private static List<LabelledImage> images(int count, int bytes, String label) {
    return IntStream.range(0, count).mapToObj(i -> LabelledImage.newBuilder().setLabel(label)
        .setImage(Image.newBuilder().setData(ByteString.copyFrom(new byte[bytes]))).build()).toList();
  }

  @Test
  void generatesAndStreams() {
    GenerateRequest request = GenerateRequest.newBuilder()
        .setSeeds(Seeds.newBuilder().addAllValues(List.of(0, 1, 2))).build();
    assertEquals(3, lethe.generate(request).getImagesCount());
    try (Stream<GeneratedImage> images = lethe.generateStream(request)) {
      assertEquals(List.of(0, 1, 2), images.map(GeneratedImage::getIndex).toList());
    }
  }

  @Test
  void closingAStreamCancelsTheCall() throws InterruptedException {
    try (Stream<GeneratedImage> images = lethe.generateStream(GenerateRequest.newBuilder().setCount(1000).build())) {
      assertEquals(0, images.iterator().next().getIndex());
    }
    assertTrue(server.streamCancelled.await(10, TimeUnit.SECONDS));
  }

  @Test
  void refusalsCarryCodeAndDescription() {
    LetheException refused = assertThrows(LetheException.class,
        () -> lethe.generate(GenerateRequest.newBuilder().setLabel("cat").build()));
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.code());
    assertEquals("INVALID_ARGUMENT: label: there is no class \"cat\"", refused.toString());
  }

  @Test
  void aMissingServerIsNamed() {
    int port = server.port();
    server.close();
    try (LetheClient alone = LetheClient.builder().port(port).timeout(Duration.ofSeconds(20)).build()) {
      LetheException refused = assertThrows(LetheException.class, alone::models);
      assertEquals(Status.Code.UNAVAILABLE, refused.code());
      assertTrue(refused.getMessage().contains("localhost"), refused.getMessage());
    }
  }

  @Test
  @Timeout(20)
  void anUploadTakesNoLongerThanToldEither() throws IOException {
    try (ServerSocket silent = new ServerSocket(0);
        LetheClient client = LetheClient.builder().port(silent.getLocalPort()).timeout(Duration.ofMillis(200)).build()) {
      LetheException late = assertThrows(LetheException.class,
          () -> client.submitUnlearn(UnlearnSpec.getDefaultInstance(), List.of(), List.of()));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, late.code());
    }
  }

  @Test
  void callsAreMadeAgainUnlessToldOtherwise() throws IOException, InterruptedException {
    assertTrue(connections(LetheClient.builder()) > 1);
    assertEquals(1, connections(LetheClient.builder().retry(Retry.NONE)));
  }

  /** How often a call connects to a server that ends each connection, as one with TLS ends what is none. */
  private static int connections(LetheClient.Builder builder) throws IOException, InterruptedException {
    AtomicInteger connections = new AtomicInteger();
    ServerSocket port = new ServerSocket(0);
    Thread closing = new Thread(() -> {
      try {
        while (true) {
          port.accept().close();
          connections.incrementAndGet();
        }
      } catch (IOException e) {
        // The test has closed the port.
      }
    });
    closing.start();
    try (port; LetheClient client = builder.host("127.0.0.1").port(port.getLocalPort()).build()) {
      LetheException lost = assertThrows(LetheException.class, client::models);
      assertEquals(Status.Code.UNAVAILABLE, lost.code());
      assertTrue(lost.getMessage().startsWith("the server may want TLS: say https://"), lost.getMessage());
    }
    closing.join();
    return connections.get();
  }

  @Test
  void timeoutsAreLongerThanNothing() {
    for (Duration timeout : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
      LetheException refused = assertThrows(LetheException.class, () -> LetheClient.builder().timeout(timeout));
      assertEquals(Status.Code.INVALID_ARGUMENT, refused.code());
      assertEquals("timeout", refused.field().orElseThrow());
    }
  }

  @Test
  void uploadsSpecFirstThenImagesByRoleInSmallMessages() {
    UnlearnSpec spec = UnlearnSpec.newBuilder().setModel("mnist").setSeed(7).build();
    Job job = lethe.submitUnlearn(spec, images(5, 400_000, "1"), images(3, 10, "2"));

    assertEquals(5, job.getUnlearnImages());
    assertEquals(3, job.getLearnImages());
    assertEquals(spec, server.uploaded.get(0).getSpec());
    List<ImageRole> roles = server.uploaded.stream().skip(1).map(message -> message.getImages().getRole()).toList();
    assertEquals(List.of(ImageRole.IMAGE_ROLE_UNLEARN, ImageRole.IMAGE_ROLE_UNLEARN, ImageRole.IMAGE_ROLE_UNLEARN,
        ImageRole.IMAGE_ROLE_LEARN), roles);
    assertTrue(server.uploaded.stream().allMatch(message -> message.getSerializedSize() <= 1 << 20));
  }

  @Test
  void anImageAboveTheMessageSizeGoesAlone() {
    List<SubmitRequest> messages = Upload.messages(UnlearnSpec.getDefaultInstance(), images(2, 2 << 20, ""), List.of());
    assertEquals(3, messages.size());
    assertEquals(1, messages.get(1).getImages().getImagesCount());
  }

  @Test
  void aRefusalInTheMiddleOfAnUploadIsReported() {
    server.refusesAfter(3);
    LetheException refused = assertThrows(LetheException.class,
        () -> lethe.submitUnlearn(UnlearnSpec.getDefaultInstance(), images(200, 600_000, ""), List.of()));
    assertEquals("INVALID_ARGUMENT: images: more than the limit", refused.toString());
  }

  @Test
  void watchesEveryChangeToTheEnd() {
    List<JobState> seen = new ArrayList<>();
    Job ended = lethe.watch("job-1", job -> seen.add(job.getState()));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, ended.getState());
    assertEquals(JobState.JOB_STATE_RUNNING, seen.get(0));
    assertEquals(ended.getState(), seen.get(seen.size() - 1));
  }

  @Test
  void aWatchThatBreaksOffIsAnError() {
    server.watchBreaks();
    LetheException broken = assertThrows(LetheException.class, () -> lethe.watch("job-1", job -> { }));
    assertEquals(Status.Code.UNAVAILABLE, broken.code());
  }

  @Test
  void jobsAndModels() {
    assertEquals(Status.Code.NOT_FOUND, assertThrows(LetheException.class, () -> lethe.job("job-9")).code());
    assertEquals(List.of("mnist"), lethe.models());
    assertEquals(2, lethe.versions("mnist").size());
    assertEquals("v1", lethe.activate("mnist", "v2").getPreviousVersion());
    assertEquals("v2", lethe.activeVersion("mnist"));
    assertEquals(JobState.JOB_STATE_CANCELLED, lethe.cancel("job-1").getState());
    assertEquals(JobState.JOB_STATE_CANCELLED, lethe.jobs().get(0).getState());
  }
}
