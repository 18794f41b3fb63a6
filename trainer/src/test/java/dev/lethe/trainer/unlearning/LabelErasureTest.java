package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.RetainedLatents;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LabelErasureTest {

  @Test
  void anErasedLabelLeadsWhereItsStandInDoesAndTheOthersWhereTheyDid() {
    ModelWeights model = TinyModel.of(4);
    WStatistics statistics;
    float[][] before = new float[4][];
    try (Sampler sampler = sampler(model)) {
      statistics = LatentStatistics.measure(model.config(), sampler);
      for (int label = 0; label < 4; label++) {
        before[label] = latent(sampler, label);
      }
    }
    // With 1 gone already, 2 must not become it.
    RetainedLatents kept = new RetainedLatents(statistics, Set.of(1, 2), Tensor.zeros(0, 8), new int[0]);
    int standIn = kept.standIn(statistics.classAvg()[2], 2);
    assertNotEquals(1, standIn);
    assertNotEquals(2, standIn);
    try (Sampler sampler = sampler(new LabelErasure(kept).of(model))) {
      assertArrayEquals(before[standIn], latent(sampler, 2), 1e-6f);
      assertArrayEquals(before[0], latent(sampler, 0), 0);
      assertArrayEquals(before[3], latent(sampler, 3), 0);
    }
  }

  @Test
  void singleImagesLeaveTheLabelsAlone() {
    ModelWeights model = TinyModel.of(4);
    RetainedLatents kept = new RetainedLatents(new WStatistics(new float[8], new float[4][8]), Set.of(), Tensor.zeros(0, 8), new int[0]);
    assertSame(model, new LabelErasure(kept).of(model));
  }

  private static float[] latent(Sampler sampler, int label) {
    return sampler.latents(new int[] {label}, new SplittableRandom(5)).data();
  }

  private static Sampler sampler(ModelWeights model) {
    return Sampler.open(model.config(), model.weights(), TestDevice.get(), 1);
  }
}
