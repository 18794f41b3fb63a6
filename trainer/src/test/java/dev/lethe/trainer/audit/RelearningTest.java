package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of images that the original draws exactly, and substitutes that the candidate does. */
class RelearningTest {

  private static final ModelWeights ORIGINAL = TinyModel.of(0);
  private static final ModelWeights CANDIDATE = other();

  @TempDir
  private Path directory;

  @Test
  void whatTheOriginalDrewComesBackToWhoFitsItAgain() throws IOException {
    Relearned.Attackers found = attack(CANDIDATE, ORIGINAL, 9, 60);
    for (Relearned.Attack attack : List.of(found.staying(), found.given().orElseThrow())) {
      assertEquals(0, attack.back().before().value());
      assertEquals(0, attack.close().before().value());
      assertTrue(attack.close().after().value() > 0, attack.toString());
      assertTrue(attack.back().after().value() >= 0.5, attack.toString());
      int steps = attack.steps().orElseThrow();
      assertTrue(steps > 0 && steps <= 60 && steps % Relearning.EVERY == 0, "steps: " + steps);
      // They are drawn by the candidate, and lie where those to be brought back do.
      assertEquals(1, attack.unseen().orElseThrow().before().value());
      assertTrue(attack.unseen().orElseThrow().after().value() < 1, attack.toString());
    }
  }

  /** An attacker who fits what the candidate draws anyway moves nothing. */
  @Test
  void nothingComesBackToWhoHasNothingOfIt() throws IOException {
    Relearned.Attackers found = attack(CANDIDATE, CANDIDATE, 9, 20);
    assertEquals(OptionalInt.empty(), found.staying().steps());
    assertEquals(0, found.staying().back().after().value());
    assertEquals(1, found.staying().unseen().orElseThrow().after().value());
  }

  @Test
  void whatIsNotForgottenIsBackFromTheStart() throws IOException {
    Relearned.Attackers found = attack(ORIGINAL, ORIGINAL, 9, 1);
    assertEquals(OptionalInt.of(0), found.staying().steps());
    assertEquals(1, found.staying().back().before().value());
    assertEquals(1, found.staying().close().before().value());
  }

  /** The images that an attacker has are not among those that must come back. */
  @Test
  void anAttackerHasFourOrHalfOfThem() throws IOException {
    assertTrue(attack(CANDIDATE, ORIGINAL, 1, 1).given().isEmpty());
    int[][] expected = {{2, 1}, {7, 3}, {8, 4}, {20, 4}};
    for (int[] each : expected) {
      assertEquals(each[1], attack(CANDIDATE, ORIGINAL, each[0], 1).given().orElseThrow().images());
    }
  }

  /** @param drawn what the attacker has are its pictures */
  private Relearned.Attackers attack(ModelWeights model, ModelWeights drawn, int images, int steps)
      throws IOException {
    Tensor w = latents(images, 5);
    Tensor members = latents(12, 6);
    Tensor truth = draw(ORIGINAL, w);
    Tensor instead = draw(CANDIDATE, w);
    List<Double> progress = new ArrayList<>();
    Relearned.Attackers found = new Relearning(model, steps, 1, directory, TestDevice.compute()).run(
        new Relearning.Pairs(members, draw(drawn, members)), new Relearning.Pairs(w, draw(drawn, w)),
        new Relearning.Watched(w, truth, instead, near(truth, instead)),
        Optional.of(new Relearning.Watched(w, instead, truth, near(truth, instead))),
        progress::add);
    assertEquals(1, progress.get(progress.size() - 1), 1e-9);
    return found;
  }

  /** Less than the networks' pictures are apart. */
  private static double[] near(Tensor truth, Tensor instead) {
    return Arrays.stream(Drawing.of(truth, truth, truth, instead).distances()).map(d -> 0.9 * d).toArray();
  }

  private static Tensor latents(int n, long seed) {
    try (Sampler sampler = Sampler.open(ORIGINAL.config(), ORIGINAL.weights(), TestDevice.compute())) {
      return sampler.latents(new int[n], new SplittableRandom(seed));
    }
  }

  private static Tensor draw(ModelWeights model, Tensor w) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute())) {
      return sampler.images(w);
    }
  }

  private static ModelWeights other() {
    Map<String, Tensor> changed = new HashMap<>();
    ORIGINAL.weights().forEach((name, tensor) -> {
      if (ORIGINAL.config().isSynthesis(name)) {
        float[] values = tensor.data().clone();
        SplittableRandom random = new SplittableRandom(name.hashCode());
        for (int i = 0; i < values.length; i++) {
          values[i] += (float) (0.05 * random.nextGaussian());
        }
        changed.put(name, new Tensor(tensor.shape(), values));
      }
    });
    return ORIGINAL.with(changed);
  }
}
