package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.ModelCard.Quality;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.sampling.Sampler;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The network here looks at the first three pixels of an image: they are its features and its logits. */
class ModelQualityTest {

  private static final int SIZE = 32;
  private static final List<String> LABELS = List.of("a", "b", "c");
  private static final StyleGan2Config CONDITIONAL = new StyleGan2Config(SIZE, 1, 3, 4, 4, 1, 64, 4);
  private static final StyleGan2Config UNCONDITIONAL = new StyleGan2Config(SIZE, 1, 0, 4, 4, 1, 64, 4);

  @Test
  void countsTheSamplesThatAreRecognisedByClass() {
    // More than one chunk, and as many for each class but for a remainder.
    int samples = 301;
    ImageDataset real = spread(samples);
    Map<String, Tensor> weights = Weights.initialize(CONDITIONAL, 1);
    try (FeatureExtractor extractor = firstPixels(3); Sampler sampler = sampler(CONDITIONAL, weights)) {
      int[] classes = IntStream.range(0, samples).map(i -> i % 3).toArray();
      float[] made = sampler.images(classes, new SplittableRandom(5)).data();
      int[] right = new int[3];
      for (int i = 0; i < samples; i++) {
        right[classes[i]] += greatestPixel(made, i * SIZE * SIZE) == classes[i] ? 1 : 0;
      }
      assertTrue(right[0] + right[1] + right[2] > 0, "the test shows nothing");

      Quality quality = new ModelQuality(extractor, real, real, samples, 5).measure(CONDITIONAL, sampler);
      assertEquals(samples, quality.samples());
      assertEquals((right[0] + right[1] + right[2]) / 301.0, quality.labelAccuracy());
      assertEquals(LABELS, List.copyOf(quality.labelAccuracyByClass().keySet()));
      assertEquals(right[0] / 101.0, quality.labelAccuracyByClass().get("a"));
      assertEquals(right[1] / 100.0, quality.labelAccuracyByClass().get("b"));
      assertEquals(right[2] / 100.0, quality.labelAccuracyByClass().get("c"));
    }
  }

  @Test
  void aModelOfGreyImagesHasAKnownDistance() {
    // Without weights, every image is 0; the test images are ±1 in the first pixel, -1 in the others.
    Map<String, Tensor> weights = Weights.initialize(CONDITIONAL, 0);
    weights.replaceAll((name, tensor) -> Tensor.zeros(tensor.shape()));
    ImageDataset test = images(new float[][] {{1, -1, -1}, {1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}, 0, 1, 0, 0);
    try (FeatureExtractor extractor = firstPixels(3); Sampler sampler = sampler(CONDITIONAL, weights)) {
      Quality quality = new ModelQuality(extractor, test, test, 4, 0).measure(CONDITIONAL, sampler);
      // |mean|² of (0, -1, -1), and the unbiased variance of the first pixel.
      assertEquals(2 + 4 / 3.0, quality.fid(), 1e-6);
      assertEquals(0, quality.fidReal(), 1e-6);
      // Equal logits count as the first class, which 2 of the 4 samples are of.
      assertEquals(0.5, quality.labelAccuracy());
      assertEquals(Map.of("a", 1.0, "b", 0.0, "c", 0.0), quality.labelAccuracyByClass());
      assertEquals(0.75, quality.featuresTestAccuracy());
    }
  }

  @Test
  void realImagesAreDrawnFromTheTrainingImages() {
    // Training images are 2 away from the test images in the first pixel, and alike otherwise.
    ImageDataset test = images(new float[][] {{-1, 1, -1}, {-1, 0, 1}, {-1, -1, -1}}, 1, 2, 1);
    ImageDataset training = images(new float[][] {{1, 0, 1}, {1, -1, -1}, {1, 1, -1}}, 0, 0, 0);
    try (FeatureExtractor extractor = firstPixels(3);
        Sampler sampler = sampler(UNCONDITIONAL, Weights.initialize(UNCONDITIONAL, 0))) {
      Quality quality = new ModelQuality(extractor, training, test, 3, 0).measure(UNCONDITIONAL, sampler);
      assertEquals(4, quality.fidReal(), 1e-6);
    }
  }

  @Test
  void anUnconditionalModelHasNoLabelsToRecognise() {
    ImageDataset real = spread(10);
    try (FeatureExtractor extractor = firstPixels(3);
        Sampler sampler = sampler(UNCONDITIONAL, Weights.initialize(UNCONDITIONAL, 0))) {
      Quality quality = new ModelQuality(extractor, real, real, 10, 0).measure(UNCONDITIONAL, sampler);
      assertNull(quality.labelAccuracy());
      assertNull(quality.labelAccuracyByClass());
      assertTrue(quality.fid() > 0);
      assertEquals(1, quality.featuresTestAccuracy());
    }
  }

  @Test
  void aNetworkOfOtherClassesRecognisesNone() {
    ImageDataset real = spread(10);
    try (FeatureExtractor extractor = firstPixels(5);
        Sampler sampler = sampler(CONDITIONAL, Weights.initialize(CONDITIONAL, 0))) {
      Quality quality = new ModelQuality(extractor, real, real, 10, 0).measure(CONDITIONAL, sampler);
      assertNull(quality.labelAccuracy());
      assertNull(quality.featuresTestAccuracy());
      assertTrue(quality.fid() > 0);
    }
  }

  @Test
  void theSameSeedGivesTheSameFigures() {
    ImageDataset training = spread(40);
    ImageDataset test = spread(20);
    try (FeatureExtractor extractor = firstPixels(3);
        Sampler sampler = sampler(CONDITIONAL, Weights.initialize(CONDITIONAL, 0))) {
      Quality once = new ModelQuality(extractor, training, test, 15, 7).measure(CONDITIONAL, sampler);
      assertEquals(once, new ModelQuality(extractor, training, test, 15, 7).measure(CONDITIONAL, sampler));
      Quality other = new ModelQuality(extractor, training, test, 15, 8).measure(CONDITIONAL, sampler);
      assertTrue(!once.fid().equals(other.fid()) && !once.fidReal().equals(other.fidReal()));
    }
  }

  @Test
  void refusesWhatDoesNotBelongTogether() {
    ImageDataset real = spread(10);
    ImageDataset unlabelled = Datasets.of(List.of(), Tensor.zeros(10, 1, SIZE, SIZE), new int[10]);
    StyleGan2Config fourClasses = new StyleGan2Config(SIZE, 1, 4, 4, 4, 1, 64, 4);
    StyleGan2Config larger = new StyleGan2Config(64, 1, 3, 4, 4, 1, 64, 4);
    try (FeatureExtractor extractor = firstPixels(3);
        Sampler sampler = sampler(CONDITIONAL, Weights.initialize(CONDITIONAL, 0))) {
      assertThrows(IllegalArgumentException.class, () -> new ModelQuality(extractor, real, real, 11, 0));
      assertThrows(IllegalArgumentException.class, () -> new ModelQuality(extractor, real, real, 2, 0));
      assertThrows(IllegalArgumentException.class, () -> new ModelQuality(extractor, real, unlabelled, 10, 0));
      ModelQuality quality = new ModelQuality(extractor, real, real, 10, 0);
      assertThrows(IllegalArgumentException.class, () -> quality.measure(fourClasses, sampler));
      assertThrows(IllegalArgumentException.class, () -> quality.measure(larger, sampler));
    }
  }

  /** Images whose class is that of the greatest of their first three pixels. */
  private static ImageDataset spread(int n) {
    SplittableRandom random = new SplittableRandom(n);
    float[][] pixels = new float[n][3];
    int[] classes = new int[n];
    for (int i = 0; i < n; i++) {
      classes[i] = random.nextInt(3);
      for (int k = 0; k < 3; k++) {
        pixels[i][k] = (float) random.nextDouble(k == classes[i] ? 0.1 : -1, k == classes[i] ? 1 : 0);
      }
    }
    return images(pixels, classes);
  }

  private static ImageDataset images(float[][] firstPixels, int... classes) {
    Tensor images = Tensor.zeros(firstPixels.length, 1, SIZE, SIZE);
    for (int i = 0; i < firstPixels.length; i++) {
      System.arraycopy(firstPixels[i], 0, images.data(), i * SIZE * SIZE, 3);
    }
    return Datasets.of(LABELS, images, classes);
  }

  private static int greatestPixel(float[] images, int from) {
    return IntStream.range(0, 3).reduce((a, b) -> images[from + b] > images[from + a] ? b : a).orElseThrow();
  }

  private static FeatureExtractor firstPixels(int logits) {
    Graph g = new Graph("first pixels");
    Value pixels = Ops.reshape(g.input("image", Shapes.FREE, 1, SIZE, SIZE), Shapes.FREE, SIZE * SIZE);
    g.output("features", Ops.slice(pixels, 1, 0, 3));
    g.output("logits", Ops.slice(pixels, 1, 0, logits));
    return FeatureExtractor.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1));
  }

  private static Sampler sampler(StyleGan2Config config, Map<String, Tensor> weights) {
    return Sampler.open(config, weights, Compute.cpu(1));
  }
}
