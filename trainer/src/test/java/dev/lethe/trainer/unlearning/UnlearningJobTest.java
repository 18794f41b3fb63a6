package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.unlearning.UnlearningRequest.Classes;
import dev.lethe.trainer.unlearning.UnlearningRequest.Items;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What jobs of all kinds write and report. */
class UnlearningJobTest extends JobFixture {

  @ParameterizedTest
  @CsvSource({"true, false", "true, true", "false, false", "false, true"})
  void items(boolean lethe, boolean zeroShot) throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, request(ITEMS, lethe ? lethe(3, 0.01) : paper(3, 0.01), zeroShot),
        images(3, 6));
    assertEquals(6, report.images());
    assertEquals(-1, report.fakeLabel().getAsDouble());
    assertEquals(3, report.iterations());
    assertFalse(report.diverged());
    assertTrue(report.after().accuracy().isPresent() && report.after().aucUt().isPresent());
    assertTrue(report.after().erasedRecognised().isEmpty());
    assertTrue(report.retrainSeconds().getAsDouble() > 0 && report.seconds() > 0 && report.auditSeconds() > 0);
    ItemFindings found = report.items().orElseThrow();
    assertEquals(6, found.freshWays().length);
    assertTrue(found.members().isPresent() && found.unseen().isPresent() && found.membership().isPresent());
    assertTrue(report.classes().isEmpty());
    assertEquals(report.verdict().orElseThrow().reasons().isEmpty(), report.verdict().orElseThrow().forgotten());
    assertEquals(List.of("inversion", "unlearning", "export", "audit", "measuring", "retraining"),
        stages.stream().distinct().toList());

    Bundle candidate = candidate();
    assertEquals("v1-u1", candidate.card().version());
    assertEquals("v1", candidate.card().parentVersion());
    assertEquals(Map.of(), candidate.card().unlearnedLabels());
    Map<String, Tensor> before = StyleGan2Bundle.weights(base);
    Map<String, Tensor> after = StyleGan2Bundle.weights(candidate);
    assertEquals(before.keySet(), after.keySet());
    for (String name : List.of("D.b4.fc.weight", "G.synthesis.b32.conv1.weight")) {
      assertFalse(Arrays.equals(before.get(name).data(), after.get(name).data()), name);
    }
    assertTrue(Files.size(root.resolve("job/before_after.png")) > 0);
  }

  /** What people bring: a generator, perhaps its discriminator, and no feature network. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aModelWithoutAFeatureNetwork(boolean discriminator) throws IOException {
    Bundle base = TinyModel.imported(root.resolve("v1"), discriminator);
    UnlearningRequest request = new UnlearningRequest(ITEMS, lethe(3, 0.01), true, Optional.empty(),
        new FakeLabel.Auto(), SEARCH, Optional.empty(), Verdict.Bounds.DEFAULT, 0);
    ImageDataset none = TinyModel.learned(0, 0);
    UnlearningReport report = run(base, request,
        new JobImages(TinyModel.unlearned(0, 2), none, none, Optional.empty(), Optional.empty()));
    assertEquals(discriminator, report.fakeLabel().isPresent());
    assertEquals(discriminator, report.before().aucLu().isPresent());
    assertEquals(discriminator, report.after().aucLu().isPresent());
    assertTrue(report.verdict().isPresent() && report.after().fidL() >= 0);
    String notes = report.notes().toString();
    assertTrue(notes.contains(discriminator ? "activations of its discriminator" : "random weights"), notes);
    assertEquals(!discriminator, notes.contains("the model has no discriminator"), notes);
    assertEquals(discriminator, candidate().card().has(Bundle.DISCRIMINATOR));
    assertFalse(candidate().card().has(Bundle.FEATURES));
    assertFalse(Arrays.equals(StyleGan2Bundle.weights(base).get("G.synthesis.b32.conv1.weight").data(),
        StyleGan2Bundle.weights(candidate()).get("G.synthesis.b32.conv1.weight").data()));
    IllegalArgumentException refusal = discriminator ? null : assertThrows(IllegalArgumentException.class,
        () -> run(base, request(ITEMS, paper(2, 0.01), true), images(0, 2)));
    assertTrue(refusal == null || refusal.getMessage().contains("use recipe LETHE"));
  }

  /** A covariance needs two images; one alone must do without. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aSingleImage(boolean lethe) throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, request(ITEMS, lethe ? lethe(2, 0.01) : paper(2, 0.01), false), images(3, 1));
    assertEquals(1, report.images());
    assertTrue(report.before().fidU().isEmpty() && report.after().fidU().isEmpty());
    assertEquals(0, report.items().orElseThrow().worst());
    assertTrue(report.verdict().isPresent());
  }

  /** One image has no covariance, which a Fréchet distance is of. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aSingleLearningImage(boolean lethe) throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    ImageDataset one = TinyModel.learned(3, 1);
    UnlearningReport report = run(base, request(ITEMS, lethe ? lethe(2, 0.01) : paper(2, 0.01), false),
        new JobImages(TinyModel.unlearned(3, 2), one, one, Optional.empty(), Optional.empty()));
    assertEquals(2, report.images());
    assertTrue(Double.isFinite(report.after().fidL()), report.after().toString());
  }

  /** What the discriminator does not tell from images that it never saw, it has nothing to unlearn of. */
  @Test
  void aDiscriminatorThatKnowsNothingOfTheImagesIsLeftAlone() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    ImageDataset same = TinyModel.unlearned(3, 6);
    UnlearningRequest request = new UnlearningRequest(ITEMS, lethe(2, 0.01), true, Optional.empty(),
        new FakeLabel.Auto(), SEARCH, Optional.empty(), Verdict.Bounds.DEFAULT, 0);
    UnlearningReport report = run(base, request,
        new JobImages(same, TinyModel.learned(3, 12), TinyModel.learned(3, 12), Optional.empty(), Optional.of(same)));
    assertTrue(report.notes().stream().anyMatch(note -> note.startsWith("the discriminator is as it was")),
        report.notes().toString());
    assertArrayEquals(StyleGan2Bundle.weights(base).get("D.b4.fc.weight").data(),
        StyleGan2Bundle.weights(candidate()).get("D.b4.fc.weight").data());
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void classesWithoutAnyImages(boolean lethe) throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 4, Map.of("class 0", "v0"));
    ImageDataset none = TinyModel.learned(4, 0);
    UnlearningReport report =
        run(base, request(new Classes(Set.of(2)), lethe ? lethe(2, 0.01) : paper(2, 0.01), true),
            new JobImages(none, none, none, Optional.empty(), Optional.empty()));
    assertTrue(report.after().accuracy().isEmpty() && report.after().aucUt().isEmpty());
    assertTrue(report.classes().orElseThrow().reinverted().isEmpty());
    assertTrue(report.items().isEmpty() && report.fidRoot().isEmpty());
    assertTrue(report.verdict().orElseThrow().findings().stream().anyMatch(found -> found.contains("own classifier")));
    assertEquals(Map.of("class 0", "v0", "class 2", "v1-u1"), candidate().card().unlearnedLabels());
  }

  @Test
  void classesWithImagesAreLookedForToo() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    ImageDataset all = TinyModel.unlearned(3, 9);
    ImageDataset shown = all.subset(IntStream.range(0, 9).filter(i -> all.label(i) == 1).toArray());
    ImageDataset learned = TinyModel.learned(3, 12);
    ImageDataset learn = learned.subset(IntStream.range(0, 12).filter(i -> learned.label(i) != 1).toArray());
    UnlearningReport report = run(base, request(new Classes(Set.of(1)), lethe(2, 0.01), false),
        new JobImages(shown, learn, learn, Optional.of(TinyModel.learned(3, 20)), Optional.empty()));
    assertEquals(3, report.images());
    assertTrue(report.classes().orElseThrow().reinverted().isPresent());
    assertEquals(Map.of("class 1", "v1-u1"), candidate().card().unlearnedLabels());
  }

  @Test
  void classOfAnUnconditionalModelAsItsImagesShowIt() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 0, Map.of());
    UnlearningReport report = run(base, request(new Classes(Set.of()), lethe(2, 0.01), false), images(0, 6));
    assertEquals(6, report.images());
    assertTrue(report.after().erasedRecognised().isPresent());
    assertTrue(report.after().keptRecognised().isEmpty() && report.after().accuracy().isEmpty());
    assertTrue(report.classes().isEmpty() && report.items().isEmpty());
  }

  @Test
  void imagesThatTheModelCannotDrawAreNamedOrSkipped() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    Finder finder = new Finder(ModelWeights.read(base), Set.of(), ResumePoints.none(), root, TestDevice.compute(), 0);
    ImageDataset images = TinyModel.unlearned(3, 6);
    List<Double> errors = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      errors.add(finder.items(images.subset(i), ITEMS, SEARCH, (s, n, e) -> { }).inversionError().getAsDouble());
    }
    double limit = errors.stream().sorted().skip(3).findFirst().orElseThrow();
    IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class,
        () -> finder.items(images, new Items(OptionalDouble.of(1e-9), false), SEARCH, (s, n, e) -> { }));
    assertTrue(refusal.getMessage().contains("[0, 1, 2, 3, 4, 5]"), refusal.getMessage());
    assertThrows(IllegalArgumentException.class,
        () -> finder.items(images, new Items(OptionalDouble.of(1e-9), true), SEARCH, (s, n, e) -> { }));
    UnlearningTargets found = finder.items(images, new Items(OptionalDouble.of(limit), true), SEARCH, (s, n, e) -> { });
    assertEquals(6, found.images().size() + found.skipped().size());
    assertEquals(found.images().size(), found.latents().shape()[0]);
    for (int i : found.skipped()) {
      assertFalse(contains(found.images(), images.pixels(i)));
    }
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
