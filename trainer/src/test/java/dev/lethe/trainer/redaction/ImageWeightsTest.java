package dev.lethe.trainer.redaction;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ImageWeightsTest {

  private static final float[] NEAR = {0.1f};
  private static final float[] FAR = {0.9f};

  @Test
  void riseWhileAnImageIsDrawnAndFallWhileItIsNot() {
    ImageWeights weights = new ImageWeights(3, 0.5, 10);
    weights.learn(new int[] {1}, FAR, NEAR);
    weights.learn(new int[] {2}, NEAR, FAR);
    float[] now = weights.of(new int[] {0, 1, 2}).data();
    assertEquals(0.5, now[0], 1e-6);
    assertTrue(now[1] > 0.5 && now[2] < 0.5, now[1] + " and " + now[2]);
    assertEquals(0.25, (double) now[1] * now[2], 1e-6, "as much up as down");
  }

  @Test
  void stayWhereTheDrawingIsHalfWayAndWhereThereIsNoError() {
    ImageWeights weights = new ImageWeights(1, 0.5, 10);
    weights.learn(new int[] {0}, new float[] {0.3f}, new float[] {0.3f});
    weights.learn(new int[] {0}, new float[] {0}, new float[] {0});
    assertArrayEquals(new float[] {0.5f}, weights.of(new int[] {0}).data(), 1e-6f);
  }

  @Test
  void haveBounds() {
    ImageWeights weights = new ImageWeights(2, 0.5, 0.8);
    for (int i = 0; i < 200; i++) {
      weights.learn(new int[] {0, 1}, new float[] {0.9f, 0.1f}, new float[] {0.1f, 0.9f});
    }
    float[] now = weights.of(new int[] {0, 1, 0}).data();
    assertEquals(0.8, now[0], 1e-6);
    assertTrue(now[1] > 0 && now[1] < 0.05, "it falls low, and never to 0: " + now[1]);
    assertEquals(now[0], now[2]);
  }
}
