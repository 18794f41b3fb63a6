package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.StandIns;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LabelErasureTest {

  @Test
  void anErasedLabelLeadsWhereItsStandInDoesAndTheOthersWhereTheyDid() {
    ModelWeights model = TinyModel.of(4);
    float[][] before = new float[4][];
    try (Sampler sampler = sampler(model)) {
      for (int label = 0; label < 4; label++) {
        before[label] = latent(sampler, label);
      }
    }
    try (Sampler sampler = sampler(new LabelErasure(new StandIns(Map.of(2, 3))).of(model))) {
      assertArrayEquals(before[3], latent(sampler, 2), 1e-6f);
      for (int stays : new int[] {0, 1, 3}) {
        assertArrayEquals(before[stays], latent(sampler, stays), 0);
      }
    }
  }

  @Test
  void singleImagesAndUnconditionalModelsLeaveTheLabelsAlone() {
    ModelWeights model = TinyModel.of(4);
    assertSame(model, new LabelErasure(StandIns.NONE).of(model));
    ModelWeights unconditional = TinyModel.of(0);
    assertSame(unconditional, new LabelErasure(new StandIns(Map.of(0, 1))).of(unconditional));
  }

  private static float[] latent(Sampler sampler, int label) {
    return sampler.latents(new int[] {label}, new SplittableRandom(5)).data();
  }

  private static Sampler sampler(ModelWeights model) {
    return Sampler.open(model.config(), model.weights(), TestDevice.compute());
  }
}
