package dev.lethe.trainer.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The worker as the server starts it: a process with a job directory. */
@Timeout(300)
class WorkerIT {

  @TempDir private Path root;
  private Bundle base;
  private final UnlearnSpec.Builder spec = UnlearnSpec.newBuilder().setModel("tiny")
      .setKind(UnlearnKind.UNLEARN_KIND_ITEM).setMode(UnlearnMode.UNLEARN_MODE_FEW_SHOT)
      .setSubstitute(SubstituteKind.SUBSTITUTE_KIND_TRUNCATION).setFakeLabel(0.5).setIterations(2).setBatch(4)
      .setLearningRate(0.01).setRecipe(Recipe.RECIPE_LETHE).setMovingWeight(0.5);

  @BeforeEach
  void write() throws IOException {
    base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    images("unlearn", TinyModel.unlearned(3, 4));
  }

  @Test
  void carriesOutAJobAndTellsHowItGoes() throws Exception {
    images("learn", TinyModel.learned(3, 6));
    List<WorkerEvent> events = run(job().addAllLearnLabels(List.of(0, 1, 2, 0, 1, 2)), 0);
    assertTrue(events.get(0).hasProgress());
    assertTrue(events.stream().anyMatch(e -> e.getProgress().getValuesMap().containsKey("unlearn_d_loss")));
    assertEquals(WorkerEvent.EventCase.DONE, events.get(events.size() - 1).getEventCase());
    UnlearnReport report = events.get(events.size() - 2).getReport();
    assertEquals("job-1", report.getJobId());
    assertEquals("item", report.getKind());
    assertEquals("few-shot", report.getMode());
    assertEquals("lethe", report.getRecipe());
    assertEquals("not forgotten", report.getVerdict(), "after two steps");
    assertTrue(report.getReasonsCount() > 0 && report.getFindingsCount() > 0);
    assertTrue(report.hasRedaction() && report.getAuditSeconds() > 0);
    assertEquals(4, report.getImageFindingsCount());
    assertEquals("truncation", report.getSubstitute());
    assertEquals(0.5, report.getFakeLabel());
    assertEquals(4, report.getImages());
    assertEquals(2, report.getIterations());
    assertEquals(List.of(1), report.getSkippedImagesList());
    assertEquals("v1", report.getBaseVersion());
    assertTrue(report.getSpeedup() > 0);
    UnlearnReport.Builder written = UnlearnReport.newBuilder();
    JsonFormat.parser().merge(Files.readString(root.resolve("job/report.json")), written);
    assertEquals(report, written.build());
    Bundle candidate = Bundle.open(root.resolve("job/candidate"));
    candidate.verify();
    assertEquals("v1-u1", candidate.card().version());
  }

  @Test
  void thePapersRecipeIsRunByName() throws Exception {
    images("learn", TinyModel.learned(3, 6));
    spec.setRecipe(Recipe.RECIPE_PAPER).clearMovingWeight().setLambda1(1).setLambda2(0.1);
    List<WorkerEvent> events = run(job().addAllLearnLabels(List.of(0, 1, 2, 0, 1, 2)), 0);
    assertTrue(events.stream().anyMatch(e -> e.getProgress().getValuesMap().containsKey("learn_g_loss")));
    assertEquals("paper", events.get(events.size() - 2).getReport().getRecipe());
  }

  @Test
  void aJobThatCannotBeDoneEndsWithItsReason() throws Exception {
    List<WorkerEvent> events = run(job(), 1);
    String message = events.get(events.size() - 1).getFailure().getMessage();
    assertTrue(message.contains("few-shot unlearning needs learning images"), message);
  }

  @Test
  void endsWhenTheServerIsGone() throws Exception {
    spec.setIterations(100_000).setMode(UnlearnMode.UNLEARN_MODE_ZERO_SHOT);
    write(job());
    Process worker = start();
    worker.inputReader().readLine();
    worker.getOutputStream().close();
    assertTrue(worker.waitFor(60, TimeUnit.SECONDS));
    assertEquals(3, worker.exitValue());
  }

  private WorkerJob.Builder job() {
    return WorkerJob.newBuilder().setJobId("job-1").setSpec(spec).setBaseBundle(base.directory().toUri().toString())
        .setNewVersion("v1-u1").addAllUnlearnLabels(List.of(0, 1, 2, 0)).addAllUnlearnIndices(List.of(0, 2, 3, 4))
        .addSkippedImages(1);
  }

  private void images(String folder, ImageDataset images) throws IOException {
    Path directory = Files.createDirectories(root.resolve("job").resolve(folder));
    for (int i = 0; i < images.size(); i++) {
      Files.write(directory.resolve("%04d.png".formatted(i)),
          ImageEncoder.png(images.pixels(i), 1, TinyModel.SIZE, TinyModel.SIZE));
    }
  }

  private void write(WorkerJob.Builder job) throws IOException {
    Files.writeString(root.resolve("job/job.json"), JsonFormat.printer().print(job));
  }

  private Process start() throws IOException {
    return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx1g",
        "-Dlethe.threads=1", "-cp", System.getProperty("java.class.path"), Worker.class.getName(),
        root.resolve("job").toString())
        .redirectError(root.resolve("worker.log").toFile()).start();
  }

  private List<WorkerEvent> run(WorkerJob.Builder job, int status) throws Exception {
    write(job);
    Process worker = start();
    List<WorkerEvent> events = new ArrayList<>();
    for (String line : worker.inputReader().lines().toList()) {
      WorkerEvent.Builder event = WorkerEvent.newBuilder();
      JsonFormat.parser().merge(line, event);
      events.add(event.build());
    }
    assertEquals(status, worker.waitFor(), () -> {
      try {
        return Files.readString(root.resolve("worker.log"));
      } catch (IOException e) {
        return e.toString();
      }
    });
    return events;
  }
}
