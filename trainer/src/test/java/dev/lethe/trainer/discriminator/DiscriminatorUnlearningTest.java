package dev.lethe.trainer.discriminator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
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
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiscriminatorUnlearningTest {

  private static final int UNLEARNED = 12;

  @TempDir
  private Path directory;

  /** Whichever half the untrained discriminator likes better, one of the two orders goes against it. */
  @ParameterizedTest
  @CsvSource({"0, false", "0, true", "3, false", "3, true"})
  void comesToTellUnlearnedImagesFromThoseThatStay(int classes, boolean swapped) throws IOException {
    ModelWeights model = TinyModel.of(classes);
    ImageDataset left = TinyModel.unlearned(classes, UNLEARNED);
    ImageDataset right = TinyModel.learned(classes, UNLEARNED);
    ImageDataset unlearned = swapped ? right : left;
    ImageDataset learned = swapped ? left : right;
    ModelWeights candidate = run(model, 60, 0, unlearned, constant(-1), List.of(learned));
    double after = RocAuc.of(scores(candidate, learned), scores(candidate, unlearned));
    assertTrue(after > 0.95, "AUC after " + after);
    assertEquals(-1, mean(scores(candidate, unlearned)), 0.4);
    assertTrue(moved(model, candidate, learned) < 0.3 * moved(model, candidate, unlearned));
  }

  @Test
  void goesOnSayingWhatItDidOfEveryGroupThatStays() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    ImageDataset learned = TinyModel.learned(3, 24);
    ImageDataset generated = generated(model);
    ModelWeights without = run(model, 60, 0, unlearned, constant(-1), List.of(learned));
    ModelWeights with = run(model, 60, 0, unlearned, constant(-1), List.of(learned, generated));
    assertTrue(moved(model, with, generated) < moved(model, without, generated));
    assertTrue(moved(model, with, generated) < 0.3 * moved(model, with, unlearned));
    assertTrue(moved(model, with, learned) < 0.3 * moved(model, with, unlearned));
  }

  @Test
  void theAutomaticFakeLabelMakesUnlearnedImagesLookLikeGeneratedOnes() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    ImageDataset generated = generated(model);
    float[] wanted = new FakeLabel.Auto().of(unlearned.classIndices(),
        () -> Logits.of(model, generated.images(), generated.classIndices(), TestDevice.compute()), 0);
    ModelWeights candidate =
        run(model, 80, 0, unlearned, Tensor.of(wanted, wanted.length, 1), List.of(generated));
    double apart = mean(scores(model, unlearned)) - mean(scores(model, generated));
    assertEquals(mean(wanted), mean(scores(candidate, unlearned)), 0.3 * Math.abs(apart));
  }

  @Test
  void onlyTheHeadLearns() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ModelWeights candidate =
        run(model, 2, 0, TinyModel.unlearned(3, UNLEARNED), constant(-1), List.of(TinyModel.learned(3, 8)));
    model.weights().forEach((name, before) -> {
      if (!Discriminator.inHead(name)) {
        assertArrayEquals(before.data(), candidate.weights().get(name).data(), name);
      }
    });
    assertFalse(Arrays.equals(model.weights().get("D.b4.fc.weight").data(),
        candidate.weights().get("D.b4.fc.weight").data()));
  }

  @Test
  void theSeedDecidesEverything() throws IOException {
    ModelWeights model = TinyModel.of(3);
    ImageDataset unlearned = TinyModel.unlearned(3, UNLEARNED);
    List<ImageDataset> stay = List.of(TinyModel.learned(3, 24));
    Map<String, Tensor> once = run(model, 3, 7, unlearned, constant(-1), stay).weights();
    Map<String, Tensor> again = run(model, 3, 7, unlearned, constant(-1), stay).weights();
    once.forEach((name, tensor) -> assertArrayEquals(tensor.data(), again.get(name).data(), 1e-6f, name));
    Map<String, Tensor> other = run(model, 3, 8, unlearned, constant(-1), stay).weights();
    assertFalse(Arrays.equals(once.get("D.b4.fc.weight").data(), other.get("D.b4.fc.weight").data()));
  }

  private ModelWeights run(ModelWeights model, int steps, long seed, ImageDataset unlearned, Tensor wanted,
      List<ImageDataset> stay) throws IOException {
    DiscriminatorUnlearning.Options options = new DiscriminatorUnlearning.Options(steps, 8, 0.02, seed);
    try (DiscriminatorUnlearning unlearning = DiscriminatorUnlearning.open(model, options, unlearned, wanted, stay,
        directory, TestDevice.compute())) {
      for (int i = 0; i < steps; i++) {
        assertTrue(unlearning.step().finite());
      }
      assertEquals(steps, unlearning.cost().steps());
      return model.with(unlearning.weights());
    }
  }

  private static Tensor constant(double value) {
    float[] all = new float[UNLEARNED];
    Arrays.fill(all, (float) value);
    return Tensor.of(all, UNLEARNED, 1);
  }

  private static ImageDataset generated(ModelWeights model) {
    int[] labels = IntStream.range(0, 48).map(i -> i % model.config().classes()).toArray();
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute())) {
      return Datasets.of(TinyModel.learned(3, 0).labels(), sampler.images(labels, new SplittableRandom(5)), labels);
    }
  }

  private static float[] scores(ModelWeights model, ImageDataset images) {
    try (DiscriminatorScores scores =
        DiscriminatorScores.open(model.config(), model.weights(), TestDevice.compute())) {
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
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElseThrow();
  }
}
