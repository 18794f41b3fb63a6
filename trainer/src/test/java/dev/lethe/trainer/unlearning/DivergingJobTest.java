package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What becomes of a job whose networks go too far. */
class DivergingJobTest extends JobFixture {

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

  private static UnlearningRequest bounded(UnlearningRequest.Recipe recipe) {
    return new UnlearningRequest(ITEMS, recipe, true, Optional.of(new ProjectionSubstitute(4)),
        FakeLabel.Constant.DEFAULT, SEARCH, Optional.of(new UnlearningRequest.Bounds(-1, 5)), Verdict.Bounds.DEFAULT,
            0);
  }
}
