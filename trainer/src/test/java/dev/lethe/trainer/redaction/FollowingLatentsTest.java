package dev.lethe.trainer.redaction;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class FollowingLatentsTest {

  /** With one gradient g after none, Adam's corrected moments are g and g²: it goes by its rate, against the sign. */
  @Test
  void theFirstStepIsOfTheRateAgainstTheGradientsSign() {
    FollowingLatents latents = new FollowingLatents(Tensor.of(new float[] {1, 1, 5, 5}, 2, 2), 0.1);
    latents.follow(new int[] {0}, new float[] {4, -0.25f});
    assertArrayEquals(new float[] {0.9f, 1.1f}, latents.rows(new int[] {0}).data(), 1e-6f);
    assertArrayEquals(new float[] {5, 5}, latents.rows(new int[] {1}).data(), 0);
  }

  /**
   * Gradients 1, then 2: m = 0.1·1·0.9 + 0.1·2 = 0.29, corrected by 1 − 0.9² = 0.19; v = 0.001·0.999 + 0.001·4 =
   * 0.004999, corrected by 1 − 0.999² = 0.001999.
   */
  @Test
  void theSecondStepIsAdams() {
    FollowingLatents latents = new FollowingLatents(Tensor.of(new float[] {0}, 1, 1), 0.1);
    latents.follow(new int[] {0}, new float[] {1});
    latents.follow(new int[] {0}, new float[] {2});
    double second = 0.1 * (0.29 / 0.19) / Math.sqrt(0.004999 / 0.001999);
    assertEquals(-0.1 - second, latents.rows(new int[] {0}).data()[0], 1e-6);
  }

  /** One that was drawn less often is not further in its corrections. */
  @Test
  void eachLatentCountsItsOwnSteps() {
    FollowingLatents latents = new FollowingLatents(Tensor.zeros(2, 1), 0.1);
    for (int i = 0; i < 5; i++) {
      latents.follow(new int[] {0}, new float[] {1});
    }
    latents.follow(new int[] {1, 0}, new float[] {3, 1});
    assertEquals(-0.1, latents.rows(new int[] {1}).data()[0], 1e-6);
    assertEquals(-0.6, latents.rows(new int[] {0}).data()[0], 1e-5);
  }

  @Test
  void goesTowardsLessError() {
    FollowingLatents latents = new FollowingLatents(Tensor.of(new float[] {3, -2}, 1, 2), 0.05);
    double before = 9 + 4;
    for (int i = 0; i < 200; i++) {
      float[] w = latents.rows(new int[] {0}).data();
      latents.follow(new int[] {0}, new float[] {2 * w[0], 2 * w[1]});
    }
    float[] w = latents.rows(new int[] {0}).data();
    double after = w[0] * w[0] + w[1] * w[1];
    assertTrue(after < 0.01 * before, "from " + before + " to " + after);
  }
}
