package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import dev.lethe.trainer.unlearning.UnlearningRequest.Classes;
import dev.lethe.trainer.unlearning.UnlearningRequest.Items;
import dev.lethe.trainer.unlearning.UnlearningRequest.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.sampling.Sampler;
import java.util.SplittableRandom;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole jobs on a tiny model: what they write and report, not how good it is. */
class UnlearningJobTest {

  private static final Items ITEMS = new Items(OptionalDouble.empty(), false);

  private static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 4, 1, 4, 0.1, 0.1);
  private static final SearchOptions SEARCHES =
      new SearchOptions(new InversionOptions(LatentSpace.W, 8, 1, 4, 0.1, 0), 16, SEARCH, 8, 24);

  @TempDir private Path root;
  private Path job;
  private final List<String> stages = new ArrayList<>();

  private Path job() {
    return job == null ? root.resolve("job") : job;
  }

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

  /** With random networks FID_l may as well fall, so the bound is one that no run keeps. */
  @Test
  void aRunThatGoesTooFarIsCutShortAndSaysSo() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, bounded(lethe(10, 0.01)), images(3, 6));
    assertEquals(0, report.iterations());
    assertTrue(report.notes().get(0).startsWith(
        "the generator stopped after step 10: on a small sample FID_l had risen by "), report.notes().toString());
    assertFalse(report.diverged());
    assertFalse(report.verdict().orElseThrow().forgotten());
  }

  @Test
  void aCascadeThatGoesTooFarIsCutShortAndSaysSo() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, bounded(paper(10, 0.05)), images(3, 6));
    assertEquals(2, report.iterations());
    assertTrue(report.notes().get(0).startsWith("stopped after iteration 2: on a small sample FID_l had risen by "),
        report.notes().toString());
    assertFalse(report.diverged());
  }

  @Test
  void aRedactionThatExplodesKeepsTheOriginalAndSaysSo() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    UnlearningReport report = run(base, request(ITEMS, lethe(15, 1e30), true), images(3, 6));
    assertTrue(report.diverged());
    assertEquals(0, report.iterations());
    assertTrue(report.notes().get(0).contains("Lower learning_rate"), report.notes().toString());
    assertFalse(report.verdict().orElseThrow().forgotten());
    Map<String, Tensor> before = StyleGan2Bundle.weights(base);
    StyleGan2Bundle.weights(candidate()).forEach((name, after) -> {
      // The mean latent that is exported with them was measured anew.
      if (name.startsWith("G.") && !name.endsWith("w_avg")) {
        assertArrayEquals(before.get(name).data(), after.data(), name);
      }
    });
  }

  @Test
  void aCascadeThatExplodesBeforeThereIsAStateFails() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    RuntimeException failure = assertThrows(GuardedCascade.DivergedException.class,
        () -> run(base, request(ITEMS, paper(20, 1e6), true), images(3, 6)));
    assertTrue(failure.getMessage().contains("lower learning_rate"), failure.getMessage());
  }

  private static UnlearningRequest.Recipe lethe(int steps, double rate) {
    return new UnlearningRequest.Lethe(new RedactionOptions(steps, 2 * steps, 4, 4, 4, rate, 0.5, 0.05,
        RedactionOptions.ALL_LAYERS));
  }

  private static UnlearningRequest.Recipe paper(int iterations, double rate) {
    return new UnlearningRequest.Paper(new CascadeOptions(iterations, 4, rate, 1, 0.1, 0));
  }

  private static UnlearningRequest request(Subject subject, UnlearningRequest.Recipe recipe, boolean zeroShot) {
    return new UnlearningRequest(subject, recipe, zeroShot, Optional.empty(), FakeLabel.Constant.DEFAULT, SEARCH,
        Optional.empty(), Verdict.Bounds.DEFAULT, 0);
  }

  private static UnlearningRequest bounded(UnlearningRequest.Recipe recipe) {
    return new UnlearningRequest(ITEMS, recipe, true, Optional.of(new ProjectionSubstitute(4)),
        FakeLabel.Constant.DEFAULT, SEARCH, Optional.of(new UnlearningRequest.Bounds(-1, 5)), Verdict.Bounds.DEFAULT,
            0);
  }

  private static JobImages images(int classes, int n) {
    return new JobImages(TinyModel.unlearned(classes, n), TinyModel.learned(classes, 12),
        TinyModel.learned(classes, 12), Optional.of(TinyModel.learned(classes, 20)),
        Optional.of(TinyModel.learned(classes, 10)));
  }

  private UnlearningReport run(Bundle base, UnlearningRequest request, JobImages images) throws IOException {
    double[] done = {0};
    return run(base, request, images, ResumePoints.none(), (stage, step, steps, fraction, values) -> {
      stages.add(stage);
      assertTrue(fraction >= done[0] && fraction <= 1,
          () -> fraction + " after " + done[0] + ": " + stage + ", step " + step + " of " + steps + ", " + values);
      done[0] = fraction;
    });
  }

  private UnlearningReport run(Bundle base, UnlearningRequest request, JobImages images, ResumePoints resume,
      ProgressListener listener) throws IOException {
    return run(base, base, request, images, resume, listener);
  }

  private UnlearningReport run(Bundle first, Bundle base, UnlearningRequest request, JobImages images,
      ResumePoints resume, ProgressListener listener) throws IOException {
    return new UnlearningJob(first, base, "v1-u1", request, images, SEARCHES, new MeasurementOptions(64, 32, 1, 24, 4),
        new AuditOptions(8, 2, 6, 6, false, 64, 0), resume, job(), TestDevice.compute()).run(listener);
  }

  private ResumePoints points() {
    return ResumePoints.in(root.resolve("checkpoint"), Optional.of(new FileCipher(new byte[FileCipher.KEY_BYTES])),
        "one",
        Duration.ZERO);
  }

  /** Runs until the discriminator's step 14, or to its end. */
  private UnlearningReport interrupted(Bundle base, boolean whole) throws IOException {
    job = Files.createTempDirectory(root, "job");
    stages.clear();
    return run(base, request(ITEMS, lethe(4, 0.01), false), images(3, 2), points(),
        (stage, step, steps, fraction, values) -> {
          stages.add(values.containsKey("moving_loss") ? "generator" : stage);
          if (!whole && values.containsKey("unlearn_d_loss") && step == 14) {
            throw new IllegalStateException("the worker ends");
          }
        });
  }

  @Test
  void aJobThatIsInterruptedGoesOnFromItsCheckpointToTheSameResult() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    run(base, request(ITEMS, lethe(4, 0.01), false), images(3, 2));
    Map<String, Tensor> uninterrupted = StyleGan2Bundle.weights(candidate());

    assertThrows(IllegalStateException.class, () -> interrupted(base, false));
    assertTrue(stages.containsAll(List.of("inversion", "generator")), stages.toString());
    UnlearningReport report = interrupted(base, true);
    assertEquals(List.of("unlearning", "export", "audit", "measuring", "retraining"),
        stages.stream().distinct().toList());
    assertEquals(4, report.iterations());
    StyleGan2Bundle.weights(candidate()).forEach((name, weight) ->
        assertArrayEquals(uninterrupted.get(name).data(), weight.data(), 1e-6f, name));
    // Nothing of it is readable without the key.
    try (Stream<Path> files = Files.list(root.resolve("checkpoint"))) {
      assertTrue(files.allMatch(file -> file.toString().endsWith(".sealed")));
    }
  }

  @Test
  void whatAnotherWorkerHasDoneIsToldBeforeTheNextStep() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    int[] told = {0};
    for (int until : new int[] {11, 10}) {
      job = root.resolve("until" + until);
      assertThrows(IllegalStateException.class, () -> run(base, request(ITEMS, lethe(30, 0.01), false), images(3, 2),
          points(), (stage, step, steps, fraction, values) -> {
            if (stage.equals("unlearning") && step >= until) {
              told[0] = step;
              throw new IllegalStateException("the worker ends");
            }
          }));
    }
    assertEquals(10, told[0]);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLaterJobTakesBackWhatEarlierOnesMovedAlong(boolean items) throws IOException {
    Bundle first = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    job = root.resolve("earlier");
    run(first, request(ITEMS, lethe(4, 0.0005), false), images(3, 2));
    Bundle base = candidate();
    UnlearningRequest later = items ? request(ITEMS, lethe(8, 0.0005), false)
        : request(new Classes(Set.of(2)), lethe(8, 0.0005), false);
    job = root.resolve("held");
    run(first, base, later, images(3, 2), ResumePoints.none(), (stage, step, steps, fraction, values) -> { });
    double held = distance(first, candidate());
    job = root.resolve("free");
    run(base, base, later, images(3, 2), ResumePoints.none(), (stage, step, steps, fraction, values) -> { });
    double free = distance(first, candidate());
    assertTrue(held < free, held + " from the root, " + free + " where nothing held it there");
  }

  /** Of what two models draw of classes that stay. */
  private static double distance(Bundle a, Bundle b) throws IOException {
    ModelWeights one = ModelWeights.read(a);
    ModelWeights other = ModelWeights.read(b);
    try (Sampler ofOne = Sampler.open(one.config(), one.weights(), TestDevice.compute());
        Sampler ofOther = Sampler.open(other.config(), other.weights(), TestDevice.compute())) {
      Tensor w = ofOne.latents(IntStream.range(0, 64).map(i -> i % 2).toArray(), new SplittableRandom(1));
      Tensor drawn = ofOne.images(w);
      return PixelDistance.squared(drawn.data(), 0, ofOther.images(w).data(), 0, drawn.data().length);
    }
  }

  @Test
  void aDamagedCheckpointIsToldOfAndItsWorkDoneAnew() throws IOException {
    Bundle base = TinyModel.bundle(root.resolve("v1"), 3, Map.of());
    assertThrows(IllegalStateException.class, () -> interrupted(base, false));
    for (String name : List.of("inversion.sealed", "generator.sealed")) {
      Path file = root.resolve("checkpoint").resolve(name);
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 1;
      Files.write(file, bytes);
    }
    UnlearningReport report = interrupted(base, true);
    assertTrue(stages.containsAll(List.of("inversion", "generator")), stages.toString());
    assertTrue(report.notes()
        .containsAll(List.of("the checkpoint of inversion was of no use, and its work was done anew",
        "the checkpoint of generator was of no use, and its work was done anew")), report.notes().toString());
  }

  private Bundle candidate() throws IOException {
    Bundle candidate = Bundle.open(job().resolve("candidate"));
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
