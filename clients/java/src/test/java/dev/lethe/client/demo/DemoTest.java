package dev.lethe.client.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.lethe.client.FakeServer;
import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.UnlearnSpec;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the demo does with a server's answers, good and bad ones. */
@Timeout(60)
class DemoTest {

  private static final MnistSample.Choice CHOICE = new MnistSample.Choice(
      List.of(LabelledImage.getDefaultInstance()), List.of(LabelledImage.getDefaultInstance()));

  @TempDir
  private Path out;

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer().jobTakes(600);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private List<String> run() throws IOException, InterruptedException {
    PrintStream stream = new PrintStream(printed, true);
    try (LetheClient lethe = server.client()) {
      return new Demo(lethe, new Console(stream, stream, 0), out, Duration.ofSeconds(2))
          .run(UnlearnSpec.newBuilder().setModel("mnist").build(), CHOICE);
    }
  }

  private JsonObject report() throws IOException {
    return JsonParser.parseString(Files.readString(out.resolve("report.json"))).getAsJsonObject();
  }

  @Test
  void leavesPicturesReportAndPage() throws IOException, InterruptedException {
    assertEquals(List.of(), run());

    BufferedImage before = ImageIO.read(out.resolve("before.png").toFile());
    assertEquals(10 * 64 + 11 * 2, before.getWidth(), "ten classes in a row");
    assertEquals(8 * 64 + 9 * 2, before.getHeight(), "eight seeds");
    // The fake marks the middle of image i with grey 100 + i: row i must hold seed i.
    assertEquals(103, before.getRaster().getSample(2 + 32, 3 * 66 + 2 + 32, 0));
    assertArrayEquals(Files.readAllBytes(out.resolve("before.png")), Files.readAllBytes(out.resolve("after.png")));
    assertTrue(Files.exists(out.resolve("unlearned.png")));

    JsonObject requests = report().getAsJsonObject("requests_during_swap");
    assertEquals(0, requests.get("failed").getAsLong());
    assertTrue(requests.get("total").getAsLong() >= 4, requests.toString());

    String page = Files.readString(out.resolve("index.html"));
    assertEquals(3, page.split("data:image/png;base64,", -1).length - 1);
    assertTrue(page.contains("<td>membership AUC</td>"));
    assertTrue(page.contains("<p class=\"verdict\">forgotten: the images are drawn no more</p>"));
    assertTrue(printed.toString().contains(" by version v1, ") && printed.toString().contains(" by version v2"),
        printed.toString());
  }

  @Test
  void aVersionThatHasNotForgottenIsAFailure() throws IOException, InterruptedException {
    server.jobEndsAs(server.outcome().toBuilder().setReport(FakeServer.report().toBuilder()
        .setVerdict("not forgotten").addReasons("drawn as <before>")).build());
    assertEquals(List.of("the unlearned images are not forgotten"), run());
    assertTrue(Files.readString(out.resolve("index.html"))
        .contains("<p class=\"verdict\">not forgotten: drawn as &lt;before&gt;</p>"));
  }

  @Test
  void anAnswerThatIsNoImageIsAFailure() throws IOException, InterruptedException {
    server.breaksAfter(12);
    try {
      run();
    } catch (IOException e) {
      // The grid after the swap is broken too; the report was written before.
    }
    assertTrue(report().getAsJsonObject("requests_during_swap").get("failed").getAsLong() > 0);
  }

  @Test
  void aFailedJobIsTold() throws IOException, InterruptedException {
    server.jobEndsAs(Job.newBuilder().setState(JobState.JOB_STATE_FAILED).setMessage("out of memory").build());
    assertEquals(List.of("the job ended as failed: out of memory"), run());
    assertFalse(Files.exists(out.resolve("report.json")));
  }

  @Test
  void aCandidateThatDoesNotServeIsAFailure() throws IOException, InterruptedException {
    server.jobEndsAs(server.outcome().toBuilder().setPromoted(false).setMessage("not promoted: auc_lu").build());
    assertEquals(List.of("version v2 does not serve: not promoted: auc_lu"), run());
    assertEquals(0.97, report().getAsJsonObject("auc_lu").get("after").getAsDouble());
    assertFalse(Files.exists(out.resolve("after.png")));
  }
}
