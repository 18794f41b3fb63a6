package dev.lethe.trainer.cascade;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CascadeTest {

  private static final ExecutionDevice CPU = ExecutionDevice.CPU;
  private static final int UNLEARNED = 12;

  @TempDir
  Path directory;

  /** Whichever half the untrained discriminator likes better, one of the two orders goes against it. */
  @ParameterizedTest
  @CsvSource({"0, false", "0, true", "3, false", "3, true"})
  void theDiscriminatorComesToTellUnlearnedImagesFromLearnedOnes(int classes, boolean swapped) throws IOException {
    ModelWeights model = TinyModel.of(classes);
    ImageDataset left = TinyModel.unlearned(classes, UNLEARNED);
    ImageDataset right = TinyModel.learned(classes, UNLEARNED);
    ImageDataset unlearned = swapped ? right : left;
    ImageDataset learned = swapped ? left : right;
    Run run = run(model, options(40, 0), unlearned, new LearningMode.FewShot(learned, Optional.empty()));
    double after = auc(run.candidate, unlearned, learned);
    assertTrue(after > 0.95, "AUC after " + after);
    assertEquals(-1, mean(scores(run.candidate, unlearned)), 0.4);
    assertTrue(moved(model, run.candidate, learned) < 0.3 * moved(model, run.candidate, unlearned));
  }

  @Test
  void zeroShotKeepsWhatTheDiscriminatorThinksOfGeneratedImages() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    Teacher teacher = teacher(model);
    ImageDataset generated = Datasets.of(unlearned.labels(), teacher.images(), teacher.labels());
    Run run = run(model, options(40, 0), unlearned, new LearningMode.ZeroShot());
    assertTrue(moved(model, run.candidate, generated) < 0.3 * moved(model, run.candidate, unlearned));
  }

  @Test
  void fewShotKeepsWhatItThinksOfImagesThatItNeverSaw() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    ImageDataset unseen = Datasets.of(unlearned.labels(), images(model, latents(model, 24, 5)), new int[24]);
    Run without = run(model, options(40, 0), unlearned, new LearningMode.FewShot(TinyModel.learned(3, 24),
        Optional.empty()));
    Run with = run(model, options(40, 0), unlearned, new LearningMode.FewShot(TinyModel.learned(3, 24),
        Optional.of(unseen)));
    assertTrue(moved(model, with.candidate, unseen) < moved(model, without.candidate, unseen));
    assertTrue(moved(model, with.candidate, unseen) < 0.3 * moved(model, with.candidate, unlearned));
  }

  @Test
  void theAutomaticFakeLabelMakesUnlearnedImagesLookLikeGeneratedOnes() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    Teacher teacher = teacher(model);
    Run run = run(model, options(60, 0), unlearned, new LearningMode.ZeroShot(), new FakeLabel.Auto());
    float[] wanted = new FakeLabel.Auto().of(unlearned.classIndices(), () -> judged(model, teacher), 0);
    ImageDataset generated = Datasets.of(unlearned.labels(), teacher.images(), teacher.labels());
    double apart = mean(scores(model, unlearned)) - mean(scores(model, generated));
    assertEquals(mean(wanted), mean(scores(run.candidate, unlearned)), 0.3 * Math.abs(apart));
  }

  @Test
  void theGeneratorMovesToTheSubstitutesAndStaysElsewhere() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    Run run = run(model, options(40, 0), unlearned, new LearningMode.FewShot(TinyModel.learned(3, 24), Optional.empty()));
    double before = distance(model, run.latents, run.substitutes);
    double after = distance(run.candidate, run.latents, run.substitutes);
    assertTrue(after < 0.7 * before, "the substitutes were " + before + " away and are " + after);
    Tensor others = latents(model, 64, 99);
    double elsewhere = distance(run.candidate, others, images(model, others));
    double here = distance(run.candidate, run.latents, images(model, run.latents));
    assertTrue(elsewhere < 0.6 * here, "moved by " + elsewhere + " elsewhere, " + here + " at the latents to unlearn");
  }

  @Test
  void onlySynthesisAndTheHeadLearn() throws IOException {
    ModelWeights model = TinyModel.of(3);
    Run run = run(model, options(2, 0), TinyModel.unlearned(3, UNLEARNED),
        new LearningMode.FewShot(TinyModel.learned(3, 8), Optional.empty()));
    model.weights().forEach((name, before) -> {
      boolean learns = name.startsWith("G.synthesis.") || Discriminator.inHead(name);
      if (!learns) {
        assertArrayEquals(before.data(), run.candidate.weights().get(name).data(), name);
      }
    });
    for (String name : List.of("G.synthesis.b32.conv1.weight", "D.b4.fc.weight")) {
      assertFalse(Arrays.equals(model.weights().get(name).data(), run.candidate.weights().get(name).data()), name);
    }
  }

  @Test
  void theSeedDecidesEverything() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    ImageDataset learned = TinyModel.learned(3, 24);
    Map<String, Tensor> once = run(model, options(3, 7), unlearned, new LearningMode.FewShot(learned, Optional.empty())).weights;
    Map<String, Tensor> again = run(model, options(3, 7), unlearned, new LearningMode.FewShot(learned, Optional.empty())).weights;
    once.forEach((name, tensor) -> assertArrayEquals(tensor.data(), again.get(name).data(), 1e-6f, name));
    Map<String, Tensor> other = run(model, options(3, 8), unlearned, new LearningMode.FewShot(learned, Optional.empty())).weights;
    assertFalse(Arrays.equals(once.get("D.b4.fc.weight").data(), other.get("D.b4.fc.weight").data()));
  }

  @Test
  void theLearningRateFallsToZeroAlongAHalfCosine() {
    CascadeOptions options = options(10, 0);
    assertEquals(1, options.decay(0));
    assertEquals(0.5, options.decay(5), 1e-12);
    assertEquals(0, options.decay(10), 1e-12);
  }

  private record Run(ModelWeights candidate, Map<String, Tensor> weights, Tensor latents, Tensor substitutes) {}

  private static CascadeOptions options(int iterations, long seed) {
    return new CascadeOptions(iterations, 8, 0.02, 0.5, 4, 1, 0.1, seed);
  }

  private Run run(ModelWeights model, CascadeOptions options, ImageDataset unlearned, LearningMode mode)
      throws IOException {
    return run(model, options, unlearned, mode, new FakeLabel.Constant(-1));
  }

  private Run run(ModelWeights model, CascadeOptions options, ImageDataset unlearned, LearningMode mode,
      FakeLabel fakeLabel) throws IOException {
    Tensor latents = latents(model, UNLEARNED, 5);
    Tensor substitutes = images(model, latents(model, UNLEARNED, 6));
    Teacher teacher = teacher(model);
    int[] labels = unlearned.classIndices();
    float[] fakeLabels = fakeLabel.of(labels, () -> judged(model, teacher), options.seed());
    Targets targets = new Targets(unlearned.images(), labels, Tensor.of(fakeLabels, labels.length, 1), latents,
        substitutes);
    try (Cascade cascade = Cascade.open(model, options, targets, mode, teacher, directory, CPU, 1)) {
      for (int i = 0; i < options.iterations(); i++) {
        assertTrue(cascade.iterate().finite());
      }
      Map<String, Tensor> weights = cascade.weights();
      return new Run(model.with(weights), weights, latents, substitutes);
    }
  }

  private static Logits judged(ModelWeights model, Teacher teacher) {
    return Logits.of(model, teacher.images(), teacher.labels(), CPU, 1);
  }

  private static Teacher teacher(ModelWeights model) {
    int classes = Math.max(1, model.config().classes());
    int[] labels = IntStream.range(0, 130).map(i -> i % classes).toArray();
    return Teacher.of(model, latents(model, 130, 0), labels, CPU, 1);
  }

  private static Tensor latents(ModelWeights model, int n, long seed) {
    int classes = Math.max(1, model.config().classes());
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), CPU, 1)) {
      return sampler.latents(IntStream.range(0, n).map(i -> i % classes).toArray(), new SplittableRandom(seed));
    }
  }

  private static Tensor images(ModelWeights model, Tensor latents) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), CPU, 1)) {
      return sampler.images(latents);
    }
  }

  /** Mean absolute difference of what a model makes of latents and images. */
  private static double distance(ModelWeights model, Tensor latents, Tensor from) {
    float[] made = images(model, latents).data();
    double sum = 0;
    for (int i = 0; i < made.length; i++) {
      sum += Math.abs(made[i] - from.data()[i]) / made.length;
    }
    return sum;
  }

  private static double auc(ModelWeights model, ImageDataset unlearned, ImageDataset learned) {
    return RocAuc.of(scores(model, learned), scores(model, unlearned));
  }

  private static float[] scores(ModelWeights model, ImageDataset images) {
    try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), CPU, 1)) {
      return scores.of(images);
    }
  }

  /** Mean distance between what the discriminator said of an image and what it says now. */
  private static double moved(ModelWeights before, ModelWeights after, ImageDataset images) {
    float[] then = scores(before, images);
    float[] now = scores(after, images);
    return IntStream.range(0, now.length).mapToDouble(i -> Math.abs(now[i] - then[i])).average().orElseThrow();
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value / values.length;
    }
    return sum;
  }
}
