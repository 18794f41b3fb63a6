package dev.lethe.trainer.redaction;

import static dev.lethe.trainer.redaction.RedactionOptions.ALL_LAYERS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GeneratorRedactionTest {

  private static final int IMAGES = 3;

  private static final ModelWeights MODEL = TinyModel.of(3);
  private static Tensor own;
  private static Tensor images;
  private static Tensor substitutes;
  private static Tensor stay;

  @TempDir
  private Path directory;

  @BeforeAll
  static void draw() {
    try (Sampler sampler = sampler(MODEL)) {
      own = sampler.latents(new int[] {0, 1, 2}, new SplittableRandom(1));
      images = sampler.images(own);
      substitutes = sampler.images(new int[] {0, 1, 2}, new SplittableRandom(2));
      stay = sampler.latents(IntStream.range(0, 24).map(i -> i % 3).toArray(), new SplittableRandom(3));
    }
  }

  @Test
  void whatMovesGetsNearerToItsSubstituteThanWhatStaysMoves() throws IOException {
    ModelWeights candidate = MODEL.with(run(60, 0));
    try (Sampler before = sampler(MODEL); Sampler after = sampler(candidate)) {
      Tensor now = after.images(own);
      for (int i = 0; i < IMAGES; i++) {
        double left = distance(now, substitutes, i) / distance(images, substitutes, i);
        assertTrue(left < 0.7, "image " + i + " has " + left + " of its squared distance left");
      }
      double moved = IntStream.range(0, IMAGES).mapToDouble(i -> distance(now, images, i)).average().orElseThrow();
      Tensor others = before.latents(IntStream.range(0, 24).map(i -> i % 3).toArray(), new SplittableRandom(9));
      Tensor then = before.images(others);
      Tensor since = after.images(others);
      double elsewhere = IntStream.range(0, 24).mapToDouble(i -> distance(then, since, i)).average().orElseThrow();
      assertTrue(elsewhere < 0.5 * moved, "elsewhere " + elsewhere + ", at the images " + moved);
    }
  }

  @Test
  void onlyTheSynthesisNetworkChanges() throws IOException {
    Map<String, Tensor> weights = run(3, 0);
    MODEL.weights().forEach((name, before) -> {
      if (name.startsWith("G.synthesis.") && GeneratorNetwork.isTrainable(name)) {
        assertFalse(Arrays.equals(before.data(), weights.get(name).data()), name + " did not learn");
      } else {
        assertFalse(weights.containsKey(name), name + " learns");
      }
    });
  }

  @Test
  void layersAboveALimitStay() throws IOException {
    Map<String, Tensor> weights = run(3, 0, 8);
    MODEL.weights().forEach((name, before) -> {
      boolean learns = (name.startsWith("G.synthesis.b4.") || name.startsWith("G.synthesis.b8."))
          && GeneratorNetwork.isTrainable(name);
      assertEquals(learns, weights.containsKey(name), name);
      assertTrue(!learns || !Arrays.equals(before.data(), weights.get(name).data()), name + " did not learn");
    });
  }

  @Test
  void theSeedDecidesEverything() throws IOException {
    Map<String, Tensor> once = run(3, 7);
    Map<String, Tensor> again = run(3, 7);
    once.forEach((name, tensor) -> assertArrayEquals(tensor.data(), again.get(name).data(), 1e-6f, name));
    String name = "G.synthesis.b32.conv1.weight";
    assertFalse(Arrays.equals(once.get(name).data(), run(3, 8).get(name).data()));
  }

  @Test
  void aRunThatWasKeptGoesOnAsIfNothingHadBeen() throws IOException {
    Map<String, Tensor> whole = run(9, 7);
    ResumePoints resume = ResumePoints.in(directory.resolve("points"), Optional.empty(), "one", Duration.ZERO);
    run(5, 9, 7, resume);
    assertTrue(resume.due());
    Map<String, Tensor> resumed = run(4, 9, 7, resume);
    whole.forEach((name, tensor) -> assertArrayEquals(tensor.data(), resumed.get(name).data(), 1e-6f, name));
    // Another job's are not taken.
    ResumePoints other = ResumePoints.in(directory.resolve("points"), Optional.empty(), "two", Duration.ZERO);
    run(1, 9, 7, other);
    assertEquals(List.of("the checkpoint of redaction was of no use, and its work was done anew"), other.notes());
  }

  @Test
  void everyLatentHasAnImage() {
    assertEquals("3 latents draw 2 images", assertThrows(IllegalArgumentException.class,
        () -> new Movers(own, images, substitutes, new int[2])).getMessage());
  }

  /** Rises first, then falls along a half cosine to a tenth. */
  @Test
  void theLearningRateRisesAndFalls() {
    RedactionOptions options = new RedactionOptions(100, 200, 4, 4, 4, 0.01, 0.5, 0.05, ALL_LAYERS);
    assertTrue(options.learningRate(0) < options.learningRate(5) && options.learningRate(5) < options.learningRate(10));
    assertEquals(0.005, options.learningRate(100), 1e-9);
    assertEquals(0.001, options.learningRate(200), 1e-9);
    assertEquals(0.001, options.learningRate(900), 1e-9);
  }

  @Test
  void optionsHaveLimits() {
    assertEquals("redaction's planned steps is 0; it must be 1 or above",
        assertThrows(IllegalArgumentException.class,
            () -> new RedactionOptions(10, 0, 4, 4, 4, 0.01, 0.5, 0.05, ALL_LAYERS)).getMessage());
    assertThrows(IllegalArgumentException.class, () -> new RedactionOptions(10, 10, 4, 4, 4, 0, 0.5, 0.05, ALL_LAYERS));
    assertThrows(IllegalArgumentException.class, () -> new RedactionOptions(10, 10, 4, 4, 4, 0.01, 0, 0.05,
        ALL_LAYERS));
    assertThrows(IllegalArgumentException.class, () -> new RedactionOptions(10, 10, 4, 0, 4, 0.01, 0.5, 0.05,
        ALL_LAYERS));
  }

  private Map<String, Tensor> run(int steps, long seed) throws IOException {
    return run(steps, seed, ALL_LAYERS);
  }

  private Map<String, Tensor> run(int steps, long seed, int layersUpTo) throws IOException {
    return run(steps, steps, seed, layersUpTo, ResumePoints.none());
  }

  private Map<String, Tensor> run(int steps, int of, long seed, ResumePoints resume) throws IOException {
    return run(steps, of, seed, ALL_LAYERS, resume);
  }

  /** @param of all steps that are planned */
  private Map<String, Tensor> run(int steps, int of, long seed, int layersUpTo, ResumePoints resume)
      throws IOException {
    RedactionOptions options = new RedactionOptions(of, 2 * of, 4, 4, 8, 0.01, 1, 0.01, layersUpTo);
    Stayers stayers;
    try (Sampler sampler = sampler(MODEL)) {
      stayers = new Stayers(stay, sampler.images(stay));
    }
    // Latents move along: each run has its own.
    Movers movers = new Movers(Tensor.of(own.data().clone(), own.shape()), images, substitutes, new int[] {0, 1, 2});
    try (GeneratorRedaction redaction = GeneratorRedaction.open(MODEL, options, movers, stayers, stayers, seed,
        resume, directory, TestDevice.compute())) {
      for (int i = 0; i < steps; i++) {
        assertTrue(redaction.step().finite());
        redaction.weigh(new double[] {0.2, 0.5, 0.9});
      }
      redaction.keep(resume);
      assertEquals(steps, redaction.cost().steps());
      return redaction.weights();
    }
  }

  private static double distance(Tensor a, Tensor b, int image) {
    int size = TinyModel.SIZE * TinyModel.SIZE;
    double sum = 0;
    for (int k = image * size; k < (image + 1) * size; k++) {
      double difference = a.data()[k] - b.data()[k];
      sum += difference * difference;
    }
    return sum / size;
  }

  private static Sampler sampler(ModelWeights model) {
    return Sampler.open(model.config(), model.weights(), TestDevice.compute());
  }
}
