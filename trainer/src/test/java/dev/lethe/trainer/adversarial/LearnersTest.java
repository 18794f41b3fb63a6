package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.LearnerKind;
import dev.lethe.trainer.session.StepOutputs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Learners of both kinds give the same, on steps of the discriminator, with R1 and without, and of the generator. */
class LearnersTest {

  private static final StyleGan2Config CONFIG = new StyleGan2Config(32, 1, 2, 8, 8, 2, 256, 16);
  private static final AdversarialOptions OPTIONS =
      new AdversarialOptions(4, 1, 0.002, 0, 0.1, 2, 0.5, 1, 0.5, 3);
  /** Adam divides gradients by their size, so that rounding errors of the smallest come to count. */
  private static final double CLOSE = 1e-5;

  @TempDir
  private Path temp;

  /** With β1 = 0 as training has it, and with both moments and weight decay. */
  @ParameterizedTest
  @CsvSource({"0, 0.99, 0", "0.9, 0.999, 0.01"})
  void bothGiveTheSameLossesAndWeights(float beta1, float beta2, float decay) throws IOException {
    AdamOptions adam = new AdamOptions(0.0005f, beta1, beta2, 1e-8f, decay);
    try (Learner ort = open(LearnerKind.ORT, adam, Optional.empty());
        Learner session = open(LearnerKind.SESSION, adam, Optional.empty())) {
      for (int step = 0; step < 5; step++) {
        assertClose(train(ort, step), train(session, step));
      }
      assertClose(ort.parameters(), session.parameters());
      assertClose(ort.averages(), session.averages());
      assertEquals(ort.cost().steps(), session.cost().steps());
      assertEquals(ort.cost().multiplyAdds(), session.cost().multiplyAdds());
    }
  }

  @ParameterizedTest
  @CsvSource({"ORT, SESSION", "SESSION, ORT"})
  void oneGoesOnFromTheOthersCheckpoint(LearnerKind first, LearnerKind second) throws IOException {
    AdamOptions adam = new AdamOptions(0.002f, 0.5f, 0.99f, 1e-8f, 0);
    Path checkpoint = temp.resolve("checkpoint");
    try (Learner whole = open(first, adam, Optional.empty())) {
      train(whole, 0);
      train(whole, 1);
      whole.setLearningRate(0.001);
      whole.setNumber("answer", 42);
      whole.save(checkpoint);
      try (Learner rest = open(second, adam, Optional.of(checkpoint))) {
        assertEquals(42, rest.number("answer"));
        assertClose(whole.parameters(), rest.parameters());
        for (int step = 2; step < 4; step++) {
          assertClose(train(whole, step), train(rest, step));
        }
        assertClose(whole.parameters(), rest.parameters());
        assertClose(whole.averages(), rest.averages());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"ORT", "SESSION"})
  void aCheckpointOfOtherNetworksIsRefused(LearnerKind kind) throws IOException {
    Path checkpoint = temp.resolve("checkpoint");
    AdamOptions adam = new AdamOptions(0.002f, 0, 0.99f, 1e-8f, 0);
    try (Learner learner = open(kind, adam, Optional.empty())) {
      learner.save(checkpoint);
    }
    StyleGan2Config other = new StyleGan2Config(32, 1, 2, 8, 8, 2, 256, 8);
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
        () -> Learner.open(kind, AdversarialGraph.build(other, OPTIONS, Optional.empty()),
            Weights.initialize(other, 1), adam,
            temp.resolve("other"), Optional.of(checkpoint), TestDevice.compute()).close());
    assertTrue(refused.getMessage().contains(checkpoint.toString()), refused.getMessage());
  }

  /** What was there stays until the new one is complete, and nothing unfinished is left. */
  @Test
  void aCheckpointIsReplacedAtOnce() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("checkpoints"));
    Path taken = Files.createDirectories(folder.resolve("taken"));
    Path before = Files.writeString(taken.resolve("before"), "before");
    try (Learner learner = open(LearnerKind.SESSION, new AdamOptions(0.002f, 0, 0.99f, 1e-8f, 0), Optional.empty())) {
      assertThrows(IOException.class, () -> learner.save(taken));
      assertEquals("before", Files.readString(before));
      learner.save(folder.resolve("checkpoint"));
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of("checkpoint", "taken"), files.map(f -> f.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void aMissingInputIsNamed() throws IOException {
    try (Learner learner = open(LearnerKind.SESSION, new AdamOptions(0.002f, 0, 0.99f, 1e-8f, 0), Optional.empty())) {
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> learner.step(Map.of(), Map.of()));
      assertTrue(refused.getMessage().contains("real_c"), refused.getMessage());
    }
  }

  private Learner open(LearnerKind kind, AdamOptions adam, Optional<Path> checkpoint) throws IOException {
    return Learner.open(kind, AdversarialGraph.build(CONFIG, OPTIONS, Optional.empty()),
        Weights.initialize(CONFIG, 1), adam,
        temp.resolve("session-" + kind + checkpoint.isPresent()), checkpoint, TestDevice.compute());
  }

  /** A step of both networks. */
  private static List<StepOutputs> train(Learner learner, int step) {
    AdversarialInputs.Step inputs = new AdversarialInputs(CONFIG, OPTIONS, TinyModel.learned(2, 16),
        Optional.empty()).at(step);
    List<StepOutputs> outputs = new ArrayList<>();
    learner.setAverageRate(0);
    outputs.add(learner.step(inputs.discriminator(),
        Map.of(AdversarialGraph.DISCRIMINATE, true, AdversarialGraph.REGULARIZE, step % 2 == 0)));
    learner.setAverageRate(0.3);
    outputs.add(learner.step(inputs.generator(), Map.of(AdversarialGraph.DISCRIMINATE, false)));
    return outputs;
  }

  private static void assertClose(List<StepOutputs> expected, List<StepOutputs> actual) {
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).names(), actual.get(i).names());
      for (String name : expected.get(i).names()) {
        float value = expected.get(i).scalar(name);
        assertEquals(value, actual.get(i).scalar(name), CLOSE * Math.max(1, Math.abs(value)), name);
      }
    }
  }

  private static void assertClose(Map<String, Tensor> expected, Map<String, Tensor> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, tensor) -> {
      assertArrayEquals(tensor.shape(), actual.get(name).shape(), name);
      for (int i = 0; i < tensor.data().length; i++) {
        float value = tensor.data()[i];
        assertEquals(value, actual.get(name).data()[i], CLOSE * Math.max(1, Math.abs(value)), name);
      }
    });
  }
}
