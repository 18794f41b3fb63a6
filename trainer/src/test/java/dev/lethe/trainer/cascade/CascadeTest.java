package dev.lethe.trainer.cascade;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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

  private static final int UNLEARNED = 8;

  @TempDir
  private Path directory;

  private record Run(Map<String, Tensor> weights, List<Cascade.Losses> losses) {}

  @ParameterizedTest
  @CsvSource({"0, false", "0, true", "3, false", "3, true"})
  void bothPhasesRunAndTheUnlearningLossesFall(int classes, boolean fewShot) throws IOException {
    ModelWeights model = TinyModel.of(classes);
    Run run = run(model, options(24, 0), learn(classes, fewShot));
    for (Cascade.Losses losses : run.losses) {
      assertTrue(losses.finite(), losses::toString);
      assertTrue(losses.learnGenerator() > 0 && losses.learnDiscriminator() >= 0, losses::toString);
    }
    assertTrue(last(run, true) < 0.9 * first(run, true), "generator: " + run.losses);
    assertTrue(last(run, false) < 0.9 * first(run, false), "discriminator: " + run.losses);
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void allOfBothNetworksLearnsButTheMapping(boolean fewShot) throws IOException {
    ModelWeights model = TinyModel.of(3);
    Run run = run(model, options(2, 0), learn(3, fewShot));
    model.weights().forEach((name, before) -> {
      boolean learns = name.startsWith("D.") || name.startsWith("G.synthesis.") && GeneratorNetwork.isTrainable(name);
      if (learns) {
        assertFalse(Arrays.equals(before.data(), run.weights.get(name).data()), name + " did not learn");
      } else {
        assertFalse(run.weights.containsKey(name), name + " learns");
      }
    });
  }

  /** The learning phase of the one is adversarial, of the other the original as a teacher. */
  @Test
  void theModesDiffer() throws IOException {
    ModelWeights model = TinyModel.of(3);
    Cascade.Losses few = run(model, options(1, 0), learn(3, true)).losses.get(0);
    Cascade.Losses zero = run(model, options(1, 0), learn(3, false)).losses.get(0);
    assertTrue(few.learnDiscriminator() > 0.5, "that of a discriminator which knows nothing is 2 ln 2: " + few);
    assertTrue(Math.abs(few.learnGenerator() - zero.learnGenerator()) > 1e-3, few + " and " + zero);
  }

  @Test
  void theSeedDecidesEverything() throws IOException {
    ModelWeights model = TinyModel.of(3);
    Map<String, Tensor> once = run(model, options(2, 7), learn(3, true)).weights;
    Map<String, Tensor> again = run(model, options(2, 7), learn(3, true)).weights;
    once.forEach((name, tensor) -> assertArrayEquals(tensor.data(), again.get(name).data(), 1e-5f, name));
    Map<String, Tensor> other = run(model, options(2, 8), learn(3, true)).weights;
    assertFalse(Arrays.equals(once.get("D.b4.fc.weight").data(), other.get("D.b4.fc.weight").data()));
  }

  private static double first(Run run, boolean generator) {
    return average(run.losses.subList(0, 3), generator);
  }

  private static double last(Run run, boolean generator) {
    return average(run.losses.subList(run.losses.size() - 3, run.losses.size()), generator);
  }

  private static double average(List<Cascade.Losses> losses, boolean generator) {
    return losses.stream().mapToDouble(l -> generator ? l.unlearnGenerator() : l.unlearnDiscriminator()).average()
        .orElseThrow();
  }

  private static Optional<ImageDataset> learn(int classes, boolean fewShot) {
    return fewShot ? Optional.of(TinyModel.learned(classes, 12)) : Optional.empty();
  }

  private static CascadeOptions options(int iterations, long seed) {
    return new CascadeOptions(iterations, 4, 0.01, 1, 0.1, seed);
  }

  private Run run(ModelWeights model, CascadeOptions options, Optional<ImageDataset> learn) throws IOException {
    ImageDataset unlearned = TinyModel.unlearned(model.config().classes(), UNLEARNED);
    float[] wanted = new float[UNLEARNED];
    Arrays.fill(wanted, -1);
    int[] labels = unlearned.classIndices();
    Tensor latents;
    Tensor kept;
    Tensor substitutes;
    int[] keptLabels = IntStream.range(0, 16).map(i -> i % Math.max(1, model.config().classes())).toArray();
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute())) {
      latents = sampler.latents(labels, new SplittableRandom(5));
      substitutes = sampler.images(labels, new SplittableRandom(6));
      kept = sampler.latents(keptLabels, new SplittableRandom(7));
    }
    Targets targets = new Targets(unlearned.images(), labels, Tensor.of(wanted, UNLEARNED, 1), latents, substitutes);
    Teacher teacher = Teacher.of(model, kept, keptLabels, TestDevice.compute());
    try (Cascade cascade = Cascade.open(model, options, targets, teacher, learn, directory, TestDevice.compute())) {
      List<Cascade.Losses> losses = new ArrayList<>();
      for (int i = 0; i < options.iterations(); i++) {
        losses.add(cascade.iterate());
      }
      return new Run(cascade.weights(), losses);
    }
  }
}
