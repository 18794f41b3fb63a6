package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class NearestSamplesTest {

  private static final ModelWeights MODEL = TinyModel.of(3);

  @Test
  void whatTheGeneratorDrawsIsFoundAmongSamplesOfItsClassAlone() {
    int[] labels = {0, 1, 2};
    try (Sampler sampler = Sampler.open(MODEL.config(), MODEL.weights(), TestDevice.compute())) {
      Tensor drawn = null;
      for (int label : labels) {
        Tensor first = sampler.images(sampler.latents(new int[] {label}, new SplittableRandom(7 + label)));
        drawn = drawn == null ? first : drawn.then(first);
      }
      for (double error : NearestSamples.errors(sampler, drawn, labels, 3, 30, 7)) {
        assertEquals(0, error, 1e-9);
      }
      for (double error : NearestSamples.errors(sampler, drawn, new int[] {1, 2, 0}, 3, 30, 7)) {
        assertTrue(error > 1e-9);
      }
      for (double error : NearestSamples.errors(sampler, drawn, labels, 3, 30, 8)) {
        assertTrue(error > 1e-9);
      }
    }
  }
}
