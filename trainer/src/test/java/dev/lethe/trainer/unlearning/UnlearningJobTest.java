package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.substitution.AverageSubstitute;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import dev.lethe.trainer.unlearning.UnlearningRequest.Classes;
import dev.lethe.trainer.unlearning.UnlearningRequest.Items;
import dev.lethe.trainer.unlearning.UnlearningRequest.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole jobs on a tiny model: what they write and report, not how good it is. */
class UnlearningJobTest {

  private static final Items ITEMS = new Items(OptionalDouble.empty(), false);

  @TempDir private Path root;
  private final List<String> stages = new ArrayList<>();

  @Test
  void itemsFewShot() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, request(ITEMS, false, 5), images(3, 8));
    assertEquals(8, report.images());
    assertEquals(-1, report.fakeLabel());
    assertEquals(5, report.iterations());
    assertTrue(report.after().accuracy().isPresent() && report.after().aucUt().isPresent());
    assertTrue(report.after().erasedRecognised().isEmpty());
    assertTrue(report.retrainSeconds().getAsDouble() > 0 && report.seconds() > 0);
    assertTrue(report.reinversion().neverSeen().isPresent());
    assertEquals(List.of("inversion", "unlearning", "export", "reinversion", "measuring", "retraining"),
        stages.stream().distinct().toList());

    Bundle candidate = candidate();
    assertEquals("v1-u1", candidate.card().version());
    assertEquals("v1", candidate.card().parentVersion());
    assertEquals(Map.of(), candidate.card().unlearnedLabels());
    Map<String, Tensor> before = StyleGan2Bundle.weights(base);
    Map<String, Tensor> after = StyleGan2Bundle.weights(candidate);
    assertEquals(before.keySet(), after.keySet());
    assertFalse(Arrays.equals(before.get("D.b4.fc.weight").data(), after.get("D.b4.fc.weight").data()));
    assertTrue(Files.size(root.resolve("job/before_after.png")) > 0);
  }

  @Test
  void classesWithoutAnyImages() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 4, Map.of("class 0", "v0"));
    ImageDataset none = TinyModel.learned(4, 0);
    UnlearningReport report = run(base, request(new Classes(Set.of(2)), true, 2),
        new JobImages(none, none, Optional.empty(), Optional.empty()));
    assertTrue(report.after().erasedRecognised().isPresent() && report.after().keptRecognised().isPresent());
    assertTrue(report.after().accuracy().isEmpty() && report.after().aucUt().isEmpty());
    assertTrue(report.reinversion().unlearnedAfter().isEmpty());
    assertEquals(Map.of("class 0", "v0", "class 2", "v1-u1"), candidate().card().unlearnedLabels());
  }

  @Test
  void classOfAnUnconditionalModelAsItsImagesShowIt() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 0, Map.of());
    UnlearningReport report = run(base, request(new Classes(Set.of()), false, 2), images(0, 6));
    assertEquals(6, report.images());
    assertTrue(report.after().erasedRecognised().isPresent());
    assertTrue(report.after().keptRecognised().isEmpty() && report.after().accuracy().isEmpty());
    assertTrue(report.reinversion().unlearnedBefore().isPresent());
  }

  @Test
  void imagesThatTheModelCannotDrawAreNamedOrSkipped() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    Finder finder = new Finder(ModelWeights.read(base), Set.of(), root, TestDevice.get(), 1, 0);
    ImageDataset images = TinyModel.unlearned(3, 6);
    InversionOptions how = new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1);
    List<Double> errors = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      errors.add(finder.items(images.subset(i), ITEMS, how, (s, n, e) -> { }).inversionError().getAsDouble());
    }
    double limit = errors.stream().sorted().skip(3).findFirst().orElseThrow();
    IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class,
        () -> finder.items(images, new Items(OptionalDouble.of(1e-9), false), how, (s, n, e) -> { }));
    assertTrue(refusal.getMessage().contains("[0, 1, 2, 3, 4, 5]"), refusal.getMessage());
    assertThrows(IllegalArgumentException.class,
        () -> finder.items(images, new Items(OptionalDouble.of(1e-9), true), how, (s, n, e) -> { }));
    UnlearningTargets found = finder.items(images, new Items(OptionalDouble.of(limit), true), how, (s, n, e) -> { });
    assertEquals(6, found.images().size() + found.skipped().size());
    assertEquals(found.images().size(), found.latents().shape()[0]);
    for (int i : found.skipped()) {
      assertFalse(contains(found.images(), images.pixels(i)));
    }
  }

  /** With random networks FID_l may as well fall, so the bound is one that no run keeps. */
  @Test
  void aRunThatGoesTooFarIsCutShortAndSaysSo() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningRequest request = new UnlearningRequest(ITEMS, true, new AverageSubstitute(),
        FakeLabel.Constant.DEFAULT, cascade(10, 0.05), new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1), Optional.of(new UnlearningRequest.Bounds(-1, 5)));
    UnlearningReport report = run(base, request, images(3, 8));
    assertEquals(2, report.iterations());
    assertTrue(report.notes().get(0).startsWith("stopped after iteration 2: on a small sample FID_l had risen by "),
        report.notes().toString());
    assertFalse(report.diverged());
  }

  @Test
  void aRunThatExplodesKeepsItsLastGoodStateOrFails() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningRequest request = new UnlearningRequest(ITEMS, true, new AverageSubstitute(),
        FakeLabel.Constant.DEFAULT, cascade(20, 1e6), new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1), Optional.empty());
    RuntimeException failure =
        assertThrows(GuardedCascade.DivergedException.class, () -> run(base, request, images(3, 8)));
    assertTrue(failure.getMessage().contains("lower learning_rate"), failure.getMessage());
  }

  private static CascadeOptions cascade(int iterations, double rate) {
    return new CascadeOptions(iterations, 4, rate, 0.3, 2, 1, 0.1, 0);
  }

  private static UnlearningRequest request(Subject subject, boolean zeroShot, int iterations) {
    return new UnlearningRequest(subject, zeroShot, new ProjectionSubstitute(4), FakeLabel.Constant.DEFAULT,
        cascade(iterations, 0.01), new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1), Optional.empty());
  }

  private static JobImages images(int classes, int n) {
    return new JobImages(TinyModel.unlearned(classes, n), TinyModel.learned(classes, 12),
        Optional.of(TinyModel.learned(classes, 20)), Optional.of(TinyModel.learned(classes, 10)));
  }

  private UnlearningReport run(Bundle base, UnlearningRequest request, JobImages images) throws IOException {
    return new UnlearningJob(base, "v1-u1", request, images, new MeasurementOptions(64, 32, 1, 24, 4),
        root.resolve("job"), TestDevice.get(), 1)
        .run((stage, step, steps, fraction, values) -> stages.add(stage));
  }

  private Bundle candidate() throws IOException {
    Bundle candidate = Bundle.open(root.resolve("job/candidate"));
    candidate.verify();
    return candidate;
  }

  private static boolean contains(ImageDataset images, byte[] pixels) {
    for (int i = 0; i < images.size(); i++) {
      if (Arrays.equals(images.pixels(i), pixels)) {
        return true;
      }
    }
    return false;
  }
}
