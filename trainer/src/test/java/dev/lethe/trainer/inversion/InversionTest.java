package dev.lethe.trainer.inversion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Inverts images that a generator of random weights made, so that a latent of no error exists. */
class InversionTest {

  private static final StyleGan2Config CONFIG = new StyleGan2Config(32, 1, 2, 8, 8, 1, 128, 8);
  private static final FeatureNetwork FEATURES = new FeatureNetwork(32, 1, 2);
  private static final InversionOptions OPTIONS = new InversionOptions(LatentSpace.W, 32, 1, 60, 0.1, 0.1);
  private static final int[] LABELS = {0, 1, 1};
  private static final int SIZE = 32 * 32;

  private static Map<String, Tensor> weights;
  private static Tensor images;
  /** Mean squared error of the image of the mean latent of each image's class. */
  private static double[] errorOfMean;

  @TempDir private Path temp;

  @BeforeAll
  static void makeImages() {
    weights = new HashMap<>(Weights.initialize(CONFIG, 5));
    weights.putAll(FEATURES.initialize(6));
    errorOfMean = new double[LABELS.length];
    try (Sampler sampler = Sampler.open(CONFIG, weights, TestDevice.compute())) {
      images = sampler.images(LABELS, new SplittableRandom(1000));
      for (int i = 0; i < LABELS.length; i++) {
        float[] mean = sampler.meanLatent(LABELS[i], 1000, new SplittableRandom(0));
        errorOfMean[i] = error(sampler.images(Tensor.of(mean, 1, 8)), 0, i);
      }
    }
  }

  private static double error(Tensor made, int at, int image) {
    double sum = 0;
    for (int p = 0; p < SIZE; p++) {
      double difference = made.data()[at * SIZE + p] - images.data()[image * SIZE + p];
      sum += difference * difference;
    }
    return sum / SIZE;
  }

  @Test
  void imagesOfTheGeneratorAreFound() throws IOException {
    List<Double> progress = new ArrayList<>();
    Inversion.Result result = inversion(OPTIONS).invert(images, LABELS, temp, 1, (step, steps, error) -> {
      progress.add(error);
      assertEquals(progress.size(), step);
      assertEquals(OPTIONS.steps(), steps);
    });
    assertArrayEquals(new long[] {3, 8}, result.w().shape());
    try (Sampler sampler = Sampler.open(CONFIG, weights, TestDevice.compute())) {
      Tensor found = sampler.images(result.w());
      for (int i = 0; i < LABELS.length; i++) {
        assertTrue(result.errors()[i] < 0.1 * errorOfMean[i],
            i + ": " + result.errors()[i] + ", of the mean " + errorOfMean[i]);
        assertEquals(error(found, i, i), result.errors()[i], 1e-5, "the error is that of the latent");
      }
    }
    assertEquals(OPTIONS.steps(), progress.size());
    assertEquals(Arrays.stream(result.errors()).average().orElseThrow(), result.meanError());
    assertTrue(result.meanError() < progress.get(0));
  }

  @Test
  void withoutStepsItIsTheNearestOfTheStarts() throws IOException {
    InversionOptions options = new InversionOptions(LatentSpace.W, 40, 1, 0, 0.1, 0.1);
    Inversion.Result result = invert(options, images, LABELS, 7);
    try (Sampler sampler = Sampler.open(CONFIG, weights, TestDevice.compute())) {
      SplittableRandom random = new SplittableRandom(7);
      for (int label = 0; label < 2; label++) {
        int[] labels = new int[40];
        Arrays.fill(labels, label);
        Tensor starts = sampler.images(labels, random);
        for (int i = 0; i < LABELS.length; i++) {
          double least = Double.POSITIVE_INFINITY;
          for (int start = 0; start < 40; start++) {
            least = Math.min(least, error(starts, start, i));
          }
          if (LABELS[i] == label) {
            assertEquals(least, result.errors()[i], 1e-5);
          }
        }
      }
    }
  }

  @Test
  void theSeedDecidesEverythingAndTheWeightsStay() throws IOException {
    Map<String, float[]> before = new HashMap<>();
    weights.forEach((name, tensor) -> before.put(name, tensor.data().clone()));
    InversionOptions options = new InversionOptions(LatentSpace.W, 8, 1, 5, 0.1, 0.1);
    Inversion.Result once = invert(options, images, LABELS, 1);
    Inversion.Result again = invert(options, images, LABELS, 1);
    assertArrayEquals(once.w().data(), again.w().data());
    assertArrayEquals(once.errors(), again.errors());
    assertFalse(Arrays.equals(once.w().data(), invert(options, images, LABELS, 2).w().data()));
    assertEquals(before.keySet(), weights.keySet());
    before.forEach((name, values) -> assertArrayEquals(values, weights.get(name).data(), name));
  }

  /** The mean over a batch makes every gradient smaller by as much, and Adam does not see it. */
  @Test
  void anImagesLatentDoesNotDependOnThoseBesideIt() throws IOException {
    InversionOptions options = new InversionOptions(LatentSpace.W, 8, 1, 10, 0.1, 0);
    Tensor first = Tensor.of(Arrays.copyOf(images.data(), SIZE), 1, 1, 32, 32);
    float[] alone = invert(options, first, new int[] {0}, 1).w().data();
    assertArrayEquals(alone, Arrays.copyOf(invert(options, images, LABELS, 1).w().data(), 8), 1e-3f);
  }

  /** First one latent of each image, then another: from other starting points, so that they are others. */
  @Test
  void restartsComeInRowsOfAllImages() throws IOException {
    InversionOptions once = new InversionOptions(LatentSpace.W, 16, 1, 0, 0.1, 0);
    Inversion.Result nearest = invert(once, images, LABELS, 3);
    Inversion.Result all = invert(once.withRestarts(3), images, LABELS, 3);
    assertArrayEquals(new long[] {9, 8}, all.w().shape());
    assertEquals(9, all.errors().length);
    assertArrayEquals(nearest.w().data(), Arrays.copyOf(all.w().data(), 3 * 8), 0, "the nearest come first");
    try (Sampler sampler = Sampler.open(CONFIG, weights, TestDevice.compute())) {
      Tensor drawn = sampler.images(all.w());
      for (int row = 0; row < 9; row++) {
        assertEquals(error(drawn, row, row % 3), all.errors()[row], 1e-5, "row " + row + " is of image " + row % 3);
      }
    }
    for (int i = 0; i < 3; i++) {
      assertTrue(all.errors()[i] < all.errors()[3 + i] && all.errors()[3 + i] < all.errors()[6 + i],
          "starting points that are farther and farther: " + Arrays.toString(all.errors()));
    }
  }

  @Test
  void wPlusHasALatentForEachLayerAndDrawsNoWorse() throws IOException {
    InversionOptions w = new InversionOptions(LatentSpace.W, 16, 1, 60, 0.1, 0);
    InversionOptions wPlus = new InversionOptions(LatentSpace.W_PLUS, 16, 1, 60, 0.1, 0);
    // Noise, which no generator draws exactly.
    Tensor noise = Tensor.zeros(1, 1, 32, 32);
    SplittableRandom random = new SplittableRandom(8);
    for (int i = 0; i < SIZE; i++) {
      noise.data()[i] = (float) random.nextDouble(-1, 1);
    }
    Inversion.Result one = invert(w, noise, new int[] {0}, 1);
    Inversion.Result each = invert(wPlus, noise, new int[] {0}, 1);
    assertArrayEquals(new long[] {1, CONFIG.numWs(), 8}, each.w().shape());
    assertTrue(each.errors()[0] <= one.errors()[0], each.errors()[0] + " in W+, " + one.errors()[0] + " in W");
    try (Sampler sampler = Sampler.open(CONFIG, weights, TestDevice.compute())) {
      double sum = 0;
      float[] drawn = sampler.images(each.w()).data();
      for (int p = 0; p < SIZE; p++) {
        sum += (drawn[p] - noise.data()[p]) * (drawn[p] - noise.data()[p]) / SIZE;
      }
      assertEquals(sum, each.errors()[0], 1e-5);
    }
  }

  @Test
  void byPixelsAloneNoFeatureNetworkIsNeeded() throws IOException {
    Map<String, Tensor> generator = new HashMap<>(weights);
    generator.keySet().removeIf(name -> name.startsWith("F."));
    InversionOptions pixels = new InversionOptions(LatentSpace.W, 8, 1, 3, 0.1, 0);
    Inversion.Result without = new Inversion(new ModelWeights(CONFIG, null, generator), pixels, TestDevice.compute())
        .invert(images, LABELS, temp, 1, (step, steps, error) -> { });
    assertArrayEquals(invert(pixels, images, LABELS, 1).w().data(), without.w().data(), 1e-6f);
  }

  @Test
  void thereAreNoMoreRestartsThanStarts() {
    assertEquals("inversion's restarts is 3; it must be from 1 to the starts, 2",
        assertThrows(IllegalArgumentException.class,
            () -> new InversionOptions(LatentSpace.W, 2, 3, 1, 0.1, 0)).getMessage());
    assertEquals(5, new InversionOptions(LatentSpace.W, 2, 1, 1, 0.1, 0).withRestarts(5).starts());
  }

  @Test
  void imagesThatDoNotFitAreRefused() {
    refused("the images have the shape [3, 1, 32, 32]; with 2 labels it must be [2, 1, 32, 32], and there must be one "
        + "or more", images, 0, 1);
    refused("the images have the shape [3, 32, 32]; with 3 labels it must be [3, 1, 32, 32], and there must be one or "
        + "more", Tensor.of(images.data(), 3, 32, 32), 0, 1, 1);
    refused("the images have the shape [0, 1, 32, 32]; with 0 labels it must be [0, 1, 32, 32], and there must be one "
        + "or more", Tensor.zeros(0, 1, 32, 32));
    refused("there is no class 2; the model has classes 0 to 1", images, 0, 1, 2);
  }

  private void refused(String why, Tensor wrong, int... labels) {
    assertEquals(why, assertThrows(IllegalArgumentException.class,
        () -> invert(new InversionOptions(LatentSpace.W, 1, 1, 1, 0.1, 0), wrong, labels, 1)).getMessage());
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "0 | 1 | 0.1 | 0 | inversion's starts is 0; it must be 1 or above",
      "1 | -1 | 0.1 | 0 | inversion's steps is -1; it must be 0 or above",
      "1 | 1 | 0 | 0 | inversion's learning rate is 0.0; it must be above 0",
      "1 | 1 | Infinity | 0 | inversion's learning rate is Infinity; it must be above 0",
      "1 | 1 | 0.1 | NaN | inversion's perceptual weight is NaN; it must be 0 or above"})
  void saysWhichOptionIsWrong(int starts, int steps, double learningRate, double perceptualWeight, String expected) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class,
        () -> new InversionOptions(LatentSpace.W, starts, 1, steps, learningRate, perceptualWeight)).getMessage());
  }

  private Inversion.Result invert(InversionOptions options, Tensor targets, int[] labels, long seed)
      throws IOException {
    return inversion(options).invert(targets, labels, Files.createTempDirectory(temp, "session"), seed,
        (step, steps, error) -> { });
  }

  private static Inversion inversion(InversionOptions options) {
    return new Inversion(new ModelWeights(CONFIG, FEATURES, weights), options, TestDevice.compute());
  }
}
