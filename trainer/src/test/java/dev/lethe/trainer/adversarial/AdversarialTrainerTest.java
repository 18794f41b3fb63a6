package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.adversarial.AdversarialTrainer.DivergedException;
import dev.lethe.trainer.adversarial.AdversarialTrainer.Losses;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Checkpoint;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.session.LearnerKind;
import dev.lethe.trainer.session.Learner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdversarialTrainerTest {

  private static final StyleGan2Config CONDITIONAL = new StyleGan2Config(32, 1, 2, 8, 8, 1, 64, 4);
  private static final StyleGan2Config UNCONDITIONAL = new StyleGan2Config(32, 1, 0, 8, 8, 1, 64, 4);
  /** Everything that a step can do: decay, wrong labels, style mixing, a moving average of few steps' memory. */
  private static final AdversarialOptions OPTIONS =
      new AdversarialOptions(4, 0.024, 0.002, 0.016, 0.1, 3, 0.5, 0.02, 0.5, 7);
  private static final ImageDataset DATA = Shades.dataset(14);
  private static final String AVERAGE = "average:";

  @TempDir private Path temp;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRunThatResumesGoesOnAsIfItHadNotStopped(boolean conditional) throws IOException {
    StyleGan2Config config = conditional ? CONDITIONAL : UNCONDITIONAL;
    List<Losses> expected = new ArrayList<>();
    Map<String, Tensor> end;
    try (AdversarialTrainer trainer = open(config, OPTIONS, "straight")) {
      for (int i = 0; i < 6; i++) {
        expected.add(trainer.step());
      }
      end = trainer.weights();
    }
    List<Losses> losses = new ArrayList<>();
    double seconds;
    try (AdversarialTrainer trainer = open(config, OPTIONS, "interrupted")) {
      assertEquals(0, trainer.steps());
      for (int i = 0; i < 3; i++) {
        losses.add(trainer.step());
      }
      trainer.save();
      seconds = trainer.seconds();
      // Steps after the last checkpoint are lost, and done again.
      trainer.step();
    }
    try (AdversarialTrainer trainer = open(config, OPTIONS, "interrupted")) {
      assertEquals(3, trainer.steps());
      assertEquals(0.012, trainer.kimg());
      assertEquals(seconds, trainer.seconds(), 1e-6 * seconds);
      for (int i = 0; i < 3; i++) {
        losses.add(trainer.step());
      }
      assertTrue(trainer.seconds() > seconds);
      assertEquals(expected, losses);
      assertSame(end, trainer.weights());
    }
  }

  @Test
  void theNetworksLearnInTurn() throws IOException {
    AdversarialInputs inputs = new AdversarialInputs(CONDITIONAL, OPTIONS, DATA, Optional.empty());
    AdamOptions adam = new AdamOptions(0.002f, 0, 0.99f, 1e-8f, 0);
    try (Learner learner = Learner.open(AdversarialGraph.build(CONDITIONAL, OPTIONS, Optional.empty()),
        initial(CONDITIONAL), adam,
        temp, Optional.empty(), TestDevice.compute())) {
      learner.setAverageRate(0);
      Map<String, Tensor> before = learner.parameters();
      for (int step = 0; step < 2; step++) {
        learner.step(inputs.at(step).discriminator(),
            Map.of(AdversarialGraph.DISCRIMINATE, true, AdversarialGraph.REGULARIZE, step == 0));
        Map<String, Tensor> between = learner.parameters();
        assertMoved(before, between, "D.");
        learner.step(inputs.at(step).generator(), Map.of(AdversarialGraph.DISCRIMINATE, false));
        before = learner.parameters();
        assertMoved(between, before, "G.");
      }
    }
  }

  /** Every parameter of one network changed, none of the other did. */
  private static void assertMoved(Map<String, Tensor> before, Map<String, Tensor> after, String prefix) {
    assertTrue(before.keySet().stream().anyMatch(name -> !name.startsWith(prefix)));
    before.forEach((name, tensor) -> assertEquals(!name.startsWith(prefix),
        Arrays.equals(tensor.data(), after.get(name).data()), name));
  }

  /** What the discriminator says of unwanted images falls below what it says of the same ones where they are not. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void unwantedImagesAreTakenForGeneratedOnes(boolean conditional) throws IOException {
    StyleGan2Config config = conditional ? CONDITIONAL : UNCONDITIONAL;
    ImageDataset unwanted = DATA.subset(1, 4, 9);
    ImageDataset wanted = DATA.subset(0, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13);
    AdversarialOptions options = new AdversarialOptions(4, 0.2, 0.005, 0, 0.1, 16, 0, 1, 0, 3);
    assertTrue(meanLogit(config, options, wanted, Optional.of(new Unwanted(unwanted, 1)), unwanted)
        < meanLogit(config, options, wanted, Optional.empty(), unwanted) - 0.2);
  }

  private double meanLogit(StyleGan2Config config, AdversarialOptions options, ImageDataset data,
      Optional<Unwanted> unwanted, ImageDataset of) throws IOException {
    try (AdversarialTrainer trainer = AdversarialTrainer.open(config, options, data, unwanted, initial(config),
        temp.resolve("unwanted-" + unwanted.isPresent()), LearnerKind.usual(), TestDevice.compute())) {
      while (trainer.steps() < options.steps()) {
        trainer.step();
      }
      try (DiscriminatorScores scores =
          DiscriminatorScores.open(config, trainer.weights(), TestDevice.compute())) {
        float sum = 0;
        for (float score : scores.of(of)) {
          sum += score;
        }
        return sum / of.size();
      }
    }
  }

  @Test
  void unwantedImagesMustFit() {
    ImageDataset none = DATA.subset();
    assertThrows(IllegalArgumentException.class, () -> new Unwanted(none, 1));
    assertThrows(IllegalArgumentException.class, () -> new Unwanted(DATA, 0));
    assertThrows(IllegalArgumentException.class, () -> new Unwanted(DATA, Double.NaN));
  }

  @Test
  void r1AppliesOnceAnInterval() throws IOException {
    try (AdversarialTrainer trainer = open(CONDITIONAL, OPTIONS, "run")) {
      for (int step = 1; step <= 7; step++) {
        Losses losses = trainer.step();
        assertEquals(step, losses.step());
        if (step % 3 == 1) {
          assertTrue(losses.r1() > 0, "step " + step);
        } else {
          assertEquals(0, losses.r1(), "step " + step);
        }
      }
    }
  }

  /** By gamma times interval, so that R1 weighs on average what it would in every step. */
  @Test
  void lazyR1WeighsAsMuchAsItsInterval() throws IOException {
    double once = firstR1(0.1, 1);
    assertEquals(16 * once, firstR1(0.1, 16), 1e-5 * once);
    assertEquals(5 * once, firstR1(0.5, 1), 1e-5 * once);
    assertEquals(0, firstR1(0, 1));
  }

  private double firstR1(double gamma, int interval) throws IOException {
    try (AdversarialTrainer trainer = open(UNCONDITIONAL,
        new AdversarialOptions(4, 1, 0.002, 0, gamma, interval, 0, 1, 0, 0), "r1-" + gamma + "-" + interval)) {
      return trainer.step().r1();
    }
  }

  /** The average takes in a step's weights when the next step begins: see {@code TrainingArtifacts}. */
  @Test
  void theWeightsAreTheMovingAverageOfThoseAfterEachStep() throws IOException {
    Map<String, float[]> expected = new HashMap<>();
    initial(CONDITIONAL).forEach((name, tensor) -> expected.put(name, tensor.data().clone()));
    // 20 images are the half-life, 4 of them a step.
    double decay = Math.pow(0.5, 0.2);
    try (AdversarialTrainer trainer = open(CONDITIONAL, OPTIONS, "run")) {
      Map<String, float[]> present = values(initial(CONDITIONAL));
      for (int step = 1; step <= 6; step++) {
        double rate = 1 - Math.min(decay, step / (step + 9.0));
        present.forEach((name, values) -> {
          float[] average = expected.get(name);
          for (int i = 0; i < values.length && GeneratorNetwork.isTrainable(name); i++) {
            average[i] += (float) (rate * (values[i] - average[i]));
          }
        });
        trainer.step();
        present = saved(trainer);
      }
      Map<String, Tensor> weights = trainer.weights();
      assertEquals(Weights.shapes(CONDITIONAL).keySet(), weights.keySet());
      for (Map.Entry<String, Tensor> weight : weights.entrySet()) {
        String name = weight.getKey();
        float[] values = weight.getValue().data();
        if (name.startsWith("D.")) {
          assertArrayEquals(present.get(name), values, name + " as it is");
        } else {
          assertArrayEquals(expected.get(name), values, 1e-5f, name);
          assertTrue(!GeneratorNetwork.isTrainable(name) || !Arrays.equals(present.get(name), values), name);
        }
      }
    }
  }

  /** Trained parameters as they are, from the checkpoint. */
  private Map<String, float[]> saved(AdversarialTrainer trainer) throws IOException {
    trainer.save();
    Map<String, float[]> values = new HashMap<>(Checkpoint.read(checkpoint("run")).values());
    assertTrue(values.keySet().removeIf(name -> name.startsWith(AVERAGE)));
    return values;
  }

  @Test
  void theLearningRateFallsAtTheEnd() throws IOException {
    List<Double> rates = new ArrayList<>();
    try (AdversarialTrainer trainer = open(UNCONDITIONAL, OPTIONS, "run")) {
      for (int step = 0; step < 6; step++) {
        trainer.step();
        trainer.save();
        rates.add((double) Checkpoint.read(checkpoint("run")).numbers().get("learning_rate"));
      }
    }
    // Of 6 steps, the last 4 are 16 images.
    double[] expected = {0.002, 0.002, 0.002, 0.0015, 0.001, 0.0005};
    assertArrayEquals(expected, rates.stream().mapToDouble(rate -> rate).toArray(), 1e-9);
  }

  @Test
  void wrongLabelsAddToTheDiscriminatorsLoss() throws IOException {
    double with;
    try (AdversarialTrainer trainer = open(CONDITIONAL, OPTIONS, "with")) {
      with = trainer.step().discriminator();
    }
    AdversarialOptions options = new AdversarialOptions(4, 0.024, 0.002, 0.016, 0.1, 3, 0, 0.02, 0.5, 7);
    try (AdversarialTrainer trainer = open(CONDITIONAL, options, "without")) {
      assertTrue(with > trainer.step().discriminator() + 0.05);
    }
  }

  @Test
  void aRunThatDivergesSaysWhatToDoAndKeepsItsCheckpoint() throws IOException {
    Losses next;
    try (AdversarialTrainer trainer = open(UNCONDITIONAL, OPTIONS, "run")) {
      trainer.step();
      trainer.save();
      next = trainer.step();
    }
    byte[] checkpoint = Files.readAllBytes(checkpoint("run"));
    // More than a float holds.
    AdversarialOptions steep = new AdversarialOptions(4, 0.024, 0.002, 0.016, 1e39, 1, 0.5, 0.02, 0.5, 7);
    try (AdversarialTrainer trainer = open(UNCONDITIONAL, steep, "run")) {
      DivergedException loss = assertThrows(DivergedException.class, trainer::step);
      assertTrue(loss.getMessage().startsWith("training diverged: Losses[step=2, "), loss.getMessage());
      assertTrue(loss.getMessage().endsWith(
          "; lower the learning rate or raise gamma, and go on from the last checkpoint"), loss.getMessage());
      DivergedException weight = assertThrows(DivergedException.class, trainer::save);
      assertTrue(weight.getMessage().matches("training diverged: after step 2 D\\.\\S+ has the value NaN; lower .*"),
          weight.getMessage());
    }
    assertArrayEquals(checkpoint, Files.readAllBytes(checkpoint("run")));
    try (AdversarialTrainer trainer = open(UNCONDITIONAL, OPTIONS, "run")) {
      assertEquals(next, trainer.step());
    }
  }

  @Test
  void imagesThatTheNetworksAreNotBuiltForAreRefused() {
    refused("the images are 1x32x32, the networks 1x64x64", new StyleGan2Config(64, 1, 2, 8, 8, 1, 64, 4), DATA);
    refused("the images are 1x32x32, the networks 3x32x32", new StyleGan2Config(32, 3, 2, 8, 8, 1, 64, 4), DATA);
    refused("the data set has 2 classes, the networks 3", new StyleGan2Config(32, 1, 3, 8, 8, 1, 64, 4), DATA);
    refused("the data set has 0 classes, the networks 2", CONDITIONAL,
        Datasets.of(List.of(), Tensor.zeros(4, 1, 32, 32), new int[4]));
    refused("there are no images to train on", CONDITIONAL, DATA.subset());
    assertFalse(Files.exists(temp.resolve("run")), "made before the data were looked at");
  }

  private void refused(String why, StyleGan2Config config, ImageDataset data) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> AdversarialTrainer.open(config,
        OPTIONS, data, initial(config), temp.resolve("run"), TestDevice.compute()));
    assertEquals(why, e.getMessage());
  }

  @Test
  void theCheckpointOfOtherNetworksIsRefused() throws IOException {
    try (AdversarialTrainer trainer = open(UNCONDITIONAL, OPTIONS, "run")) {
      trainer.step();
      trainer.save();
    }
    StyleGan2Config wider = new StyleGan2Config(32, 1, 0, 8, 8, 1, 128, 4);
    for (StyleGan2Config other : List.of(wider, CONDITIONAL)) {
      Exception e = assertThrows(IllegalArgumentException.class, () -> open(other, OPTIONS, "run"));
      assertTrue(e.getMessage().contains(checkpoint("run") + " is of other networks"), e.getMessage());
    }
  }

  private AdversarialTrainer open(StyleGan2Config config, AdversarialOptions options, String run) throws IOException {
    return AdversarialTrainer.open(config, options, DATA, initial(config), temp.resolve(run), TestDevice.compute());
  }

  private Path checkpoint(String run) {
    return temp.resolve(run).resolve("checkpoint.ort");
  }

  private static Map<String, Tensor> initial(StyleGan2Config config) {
    return Weights.initialize(config, 3);
  }

  private static Map<String, float[]> values(Map<String, Tensor> tensors) {
    Map<String, float[]> values = new HashMap<>();
    tensors.forEach((name, tensor) -> values.put(name, tensor.data()));
    return values;
  }

  private static void assertSame(Map<String, Tensor> expected, Map<String, Tensor> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, tensor) -> assertArrayEquals(tensor.data(), actual.get(name).data(), name));
  }
}
