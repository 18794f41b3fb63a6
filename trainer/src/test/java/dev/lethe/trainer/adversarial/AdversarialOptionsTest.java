package dev.lethe.trainer.adversarial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdversarialOptionsTest {

  @Test
  void theRunEndsWithItsImages() {
    assertEquals(250, decaying(0).steps());
    assertEquals(1, new AdversarialOptions(64, 0.001, 0.002, 0, 0.1, 16, 0, 20, 0, 0).steps());
  }

  @Test
  void theLearningRateFallsAlongALine() {
    AdversarialOptions options = decaying(0.4);
    assertEquals(0.002, options.learningRate(1));
    assertEquals(0.002, options.learningRate(150));
    // Of the last 100 steps, the first has the full rate and the last a hundredth.
    assertEquals(0.002, options.learningRate(151), 1e-15);
    assertEquals(0.00198, options.learningRate(152), 1e-15);
    assertEquals(0.001, options.learningRate(201), 1e-15);
    assertEquals(0.00002, options.learningRate(250), 1e-15);
    assertEquals(0.002, decaying(0).learningRate(250));
    assertEquals(0.002 / 2, decaying(2).learningRate(1), 1e-15, "a decay longer than the run has begun before it");
  }

  private static AdversarialOptions decaying(double decayKimg) {
    return new AdversarialOptions(4, 1, 0.002, decayKimg, 0.1, 16, 0, 20, 0, 0);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "6 | 1 | 0.002 | 0 | 0.1 | 16 | 0 | 20 | 0 | batch is 6; it must be a multiple of 4",
      "0 | 1 | 0.002 | 0 | 0.1 | 16 | 0 | 20 | 0 | batch is 0; it must be a multiple of 4",
      "4 | 0 | 0.002 | 0 | 0.1 | 16 | 0 | 20 | 0 | kimg is 0.0; it must be above 0",
      "4 | NaN | 0.002 | 0 | 0.1 | 16 | 0 | 20 | 0 | kimg is NaN; it must be above 0",
      "4 | 1 | 0 | 0 | 0.1 | 16 | 0 | 20 | 0 | learning rate is 0.0; it must be above 0, up to 0.1",
      "4 | 1 | 0.2 | 0 | 0.1 | 16 | 0 | 20 | 0 | learning rate is 0.2; it must be above 0, up to 0.1",
      "4 | 1 | 0.002 | -1 | 0.1 | 16 | 0 | 20 | 0 | decay kimg is -1.0; it must be 0 or above",
      "4 | 1 | 0.002 | 0 | -0.1 | 16 | 0 | 20 | 0 | gamma is -0.1; it must be 0 or above",
      "4 | 1 | 0.002 | 0 | 0.1 | 0 | 0 | 20 | 0 | r1 interval is 0; it must be 1 or above",
      "4 | 1 | 0.002 | 0 | 0.1 | 16 | -1 | 20 | 0 | mismatch is -1.0; it must be 0 or above",
      "4 | 1 | 0.002 | 0 | 0.1 | 16 | 0 | 0 | 0 | ema kimg is 0.0; it must be above 0",
      "4 | 1 | 0.002 | 0 | 0.1 | 16 | 0 | 20 | 1.5 | mixing is 1.5; it must be from 0 to 1"})
  void saysWhichOptionIsWrong(int batch, double kimg, double learningRate, double decayKimg, double gamma,
      int r1Interval, double mismatch, double emaKimg, double mixing, String expected) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, () -> new AdversarialOptions(batch, kimg,
        learningRate, decayKimg, gamma, r1Interval, mismatch, emaKimg, mixing, 0)).getMessage());
  }
}
