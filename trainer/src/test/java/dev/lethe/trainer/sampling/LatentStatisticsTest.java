package dev.lethe.trainer.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Mapping networks whose means are known: z has one element, which its normalization makes 1 or -1, as likely as not.
 * Two classes are embedded as (1, 1) and (1, -1). The only layer is lrelu(√2 (W x + b)) of slope 0.2.
 */
class LatentStatisticsTest {

  private static final double GAIN = Math.sqrt(2);
  /** Four standard errors of the mean of 10,000 draws of 3 √2 or -0.2 √2. */
  private static final double NOISE = 4 * GAIN * 1.6 / 100;

  @Test
  void meansOfEachClassAndOfAll() {
    // w0 of 2 z + embedding 0, w1 of embedding 1; the equalized learning rate divides by √3 and by 100.
    WStatistics w = measure(new StyleGan2Config(32, 1, 2, 1, 2, 1, 64, 4), Map.of(
        "G.mapping.embed.weight", new float[] {1, 1, 1, -1},
        "G.mapping.fc0.weight", scaled(100 * Math.sqrt(3), 2, 1, 0, 0, 0, 1)));
    double first = GAIN * (3 - 0.2) / 2;
    assertEquals(2, w.classAvg().length);
    assertEquals(first, w.classAvg()[0][0], NOISE);
    assertEquals(first, w.classAvg()[1][0], NOISE);
    assertEquals(GAIN, w.classAvg()[0][1], 1e-4);
    assertEquals(-0.2 * GAIN, w.classAvg()[1][1], 1e-4);
    for (int k = 0; k < 2; k++) {
      assertEquals((w.classAvg()[0][k] + w.classAvg()[1][k]) / 2, w.avg()[k], 1e-6);
    }
  }

  @Test
  void anUnconditionalModelHasOneMean() {
    StyleGan2Config config = new StyleGan2Config(32, 1, 0, 1, 2, 1, 64, 4);
    Map<String, float[]> weights = Map.of("G.mapping.fc0.weight", scaled(100, 2, 0),
        "G.mapping.fc0.bias", scaled(100, 1, -1));
    WStatistics w = measure(config, weights);
    assertEquals(0, w.classAvg().length);
    assertEquals(GAIN * (3 - 0.2) / 2, w.avg()[0], NOISE);
    assertEquals(-0.2 * GAIN, w.avg()[1], 1e-4);
    assertArrayEquals(w.avg(), measure(config, weights).avg(), "the same draws each time");
  }

  private static float[] scaled(double factor, float... values) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= (float) factor;
    }
    return values;
  }

  private static WStatistics measure(StyleGan2Config config, Map<String, float[]> mapping) {
    Map<String, Tensor> weights = Weights.initialize(config, 1);
    mapping.forEach((name, values) -> weights.computeIfPresent(name, (n, old) -> new Tensor(old.shape(), values)));
    try (Sampler sampler = Sampler.open(config, weights, Compute.cpu(1))) {
      return LatentStatistics.measure(config, sampler);
    }
  }
}
