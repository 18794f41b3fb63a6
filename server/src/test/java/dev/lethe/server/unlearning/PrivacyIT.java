package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.LiveFolder;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WatchRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What lies on the disk of an image that was to be unlearned, while its job runs and after its end. */
@Timeout(300)
class PrivacyIT {

  /** So much of an image in one piece is no chance: of random bytes, one in 2^128. */
  private static final int PIECE = 16;
  /** What its client calls the image. */
  private static final String NAME = "jane-doe-passport.png";

  @TempDir
  Path root;

  private final byte[] pixels = new byte[32 * 32];
  private byte[] png;
  private ServerFixture server;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    new Random(4).nextBytes(pixels);
    png = ImageEncoder.png(pixels, 1, 32, 32);
    open();
  }

  private void open() throws IOException {
    server = ServerFixture.start(root, Map.of("worker-attempts", "1", "worker-command",
        ServerFixture.line(new WorkerCommand(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-cp",
        System.getProperty("java.class.path"), WorkerDouble.class.getName())))));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private Job submit(long behaviour, boolean keep) {
    return Submission.send(server.channel(),
        Submission.of(UnlearnSpec.newBuilder().setSeed(behaviour).setKeepPictures(keep).build()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(ByteString.copyFrom(png), "one").toBuilder()
            .setName(NAME).build()),
        Submission.images(ImageRole.IMAGE_ROLE_LEARN, Submission.labelled(new byte[32 * 32], "one")))
        .orTimeout(60, TimeUnit.SECONDS).join();
  }

  private Job last(Job job) {
    List<Job> changes = new ArrayList<>();
    server.unlearning().watch(WatchRequest.newBuilder().setJobId(job.getId()).build())
        .forEachRemaining(event -> changes.add(event.getJob()));
    return changes.get(changes.size() - 1);
  }

  private byte[] pictures(Job job) {
    return server.unlearning().getReport(GetReportRequest.newBuilder().setJobId(job.getId()).build())
        .getBeforeAfterPng().toByteArray();
  }

  /** Files in which a piece of the image lies, as its file's bytes or its pixels; or its latents, or its name. */
  private List<String> traces(boolean latents) throws IOException {
    return traces(latents, latents);
  }

  private List<String> traces(boolean latents, boolean name) throws IOException {
    // Names of chunks and the like are in every PNG; the middle is the image's own.
    List<byte[]> pieces = new ArrayList<>();
    for (byte[] whole : List.of(Arrays.copyOfRange(png, 64, png.length - 32), pixels)) {
      for (int from = 0; from + PIECE <= whole.length; from += PIECE) {
        pieces.add(Arrays.copyOfRange(whole, from, from + PIECE));
      }
    }
    if (latents) {
      pieces.add(WorkerDouble.LATENTS);
    }
    if (name) {
      pieces.add(NAME.getBytes(StandardCharsets.UTF_8));
    }
    List<String> needles = pieces.stream().map(piece -> new String(piece, StandardCharsets.ISO_8859_1)).toList();
    List<String> found = new ArrayList<>();
    for (Path file : files()) {
      try {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        if (needles.stream().anyMatch(content::contains)) {
          found.add(root.relativize(file).toString());
        }
      } catch (NoSuchFileException e) {
        // Deleted meanwhile, as it should be.
      }
    }
    return found;
  }

  private List<Path> files() throws IOException {
    return LiveFolder.entries(root).stream().filter(Files::isRegularFile).toList();
  }

  @Test
  void theSearchFindsWhatIsThere() throws IOException {
    assertEquals(List.of(), traces(true));
    Files.write(root.resolve("a"), png);
    Files.write(root.resolve("b"), Arrays.copyOfRange(pixels, 500, 540));
    Files.write(root.resolve("c"), WorkerDouble.LATENTS);
    assertEquals(List.of("a", "b", "c"), traces(true).stream().sorted().toList());
  }

  @Test
  void anImageIsReadableForNobodyWhileItsJobRuns() throws Exception {
    Job running = submit(WorkerDouble.WAITS, false);
    Until.holds(() -> server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(running.getId()).build())
        .getProgress().getStep() > 0);
    Path image = root.resolve("jobs").resolve(running.getId()).resolve("unlearn/0000.png.sealed");
    assertTrue(Files.exists(image));
    assertEquals(List.of(), traces(false));
    // The key is not beside it: not in the arguments that everyone sees, nor in a file.
    server.unlearning().cancelJob(CancelJobRequest.newBuilder().setJobId(running.getId()).build());
    Until.holds(() -> Files.notExists(image));
    Until.holds(() -> traces(true).isEmpty());
  }

  @Test
  void nothingIsLeftOfAnImageHoweverItsJobEnds() throws Exception {
    Job done = last(submit(0, false));
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, done.getPhase(), done.getMessage());
    // Nothing is left already when the end is told, and the pictures can be fetched all the same.
    assertEquals(List.of(), traces(false));
    assertArrayEquals(pixels, ImageDecoder.decodeBytes(pictures(done), 1, 32));
    Until.holds(() -> traces(true).isEmpty());
    for (long end : new long[] {WorkerDouble.DOES_NOT_FORGET, WorkerDouble.REPORTS_FAILURE, WorkerDouble.CRASHES,
        WorkerDouble.LEAVES_DAMAGED_CANDIDATE}) {
      last(submit(end, false));
      Until.holds(() -> traces(true).isEmpty());
    }
    server.close();
    assertEquals(List.of(), traces(true));
    open();
    assertEquals(0, pictures(done).length);
  }

  /** The client is told which one it was; the log is never changed, and tells its place. */
  @Test
  void whatIsRefusedIsWrittenDownWithoutNames() throws Exception {
    LabelledImage broken = Submission.labelled(ByteString.copyFromUtf8("no picture"), "one").toBuilder().setName(NAME)
        .build();
    LabelledImage ofPerson = Submission.labelled(ByteString.copyFrom(png), NAME);
    for (LabelledImage image : List.of(broken, ofPerson)) {
      CompletionException refusal = assertThrows(CompletionException.class, () -> Submission.send(server.channel(),
          Submission.of(UnlearnSpec.getDefaultInstance()), Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, image))
              .orTimeout(60, TimeUnit.SECONDS).join());
      assertTrue(refusal.getMessage().contains(NAME), refusal.getMessage());
    }
    server.close();
    assertEquals(List.of(), traces(true));
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        Statement statement = connection.createStatement();
        ResultSet lines = statement.executeQuery("select line from events where line like '%INVALID_ARGUMENT%'")) {
      assertTrue(lines.next() && lines.getString(1).contains("unlearn images[0]"), lines.getString(1));
      assertTrue(lines.next() && lines.getString(1).contains("no class \\\"its label\\\""), lines.getString(1));
    }
    open();
  }

  @Test
  void picturesThatAreToStayStayEncryptedUntilTheJobIsDeleted() throws Exception {
    Job kept = last(submit(0, true));
    assertEquals(List.of(), traces(true, false));
    server.close();
    open();
    assertArrayEquals(pixels, ImageDecoder.decodeBytes(pictures(kept), 1, 32));
    Path directory = root.resolve("jobs").resolve(kept.getId());
    assertTrue(Files.exists(directory.resolve("unlearn/0000.png.sealed")));
    server.unlearning().deleteJob(DeleteJobRequest.newBuilder().setJobId(kept.getId()).build());
    assertFalse(Files.exists(directory));
  }
}
