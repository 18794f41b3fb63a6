package dev.lethe.trainer.redaction;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class ImageWeightsTest {

  private static final Tensor IMAGES = Tensor.zeros(3, 1, 1, 2);
  private static final Tensor SUBSTITUTES = Tensor.of(new float[] {1, 1, 1, -1, -1, 1}, 3, 1, 1, 2);

  @Test
  void aWeightRisesWhileItsImageIsDrawnAndFallsOnceItIsNot() {
    ImageWeights weights = ImageWeights.of(IMAGES, SUBSTITUTES, 0.5);
    weights.learn(new double[] {0.2, 0.6, 0.9});
    float[] now = weights.of(new int[] {0, 1, 2}).data();
    assertTrue(now[0] > 0.5, "still drawn: " + now[0]);
    assertEquals(0.5f, now[1], 1e-6, "as far as it should be");
    assertTrue(now[2] < 0.5, "drawn no more: " + now[2]);
  }

  @Test
  void weightsHaveBounds() {
    ImageWeights weights = ImageWeights.of(IMAGES, SUBSTITUTES, 0.5);
    for (int i = 0; i < 100; i++) {
      weights.learn(new double[] {0, 0, 1});
    }
    assertArrayEquals(new float[] {2, 2, 0.02f}, weights.of(new int[] {0, 1, 2}).data(), 1e-6f);
  }

  /** The squared error of half the way to a substitute at half the distance is a quarter. */
  @Test
  void anImageWhoseSubstituteIsNearWeighsMore() {
    Tensor near = Tensor.of(new float[] {0.5f, 0.5f, 1, 1, 4, 4}, 3, 1, 1, 2);
    assertArrayEquals(new float[] {4, 1, 0.5f}, ImageWeights.of(IMAGES, near, 1).of(new int[] {0, 1, 2}).data(), 1e-6f);
  }

  @Test
  void anImageThatIsItsOwnSubstituteIsNoFault() {
    assertArrayEquals(new float[] {1, 1, 1}, ImageWeights.of(IMAGES, IMAGES, 1).of(new int[] {0, 1, 2}).data(), 1e-6f);
  }
}
