package dev.lethe.models.golden;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class GoldenTest {

  @Test
  void readsTensorsAndMetadata() {
    Golden golden = Golden.load("cond-32-gray");
    assertEquals(10, golden.intMetadata("c_dim"));
    assertArrayEquals(new long[] {8, 10}, golden.shape("in.c"));
    // One-hot rows show that offsets and byte order are right.
    float[] c = golden.values("in.c");
    for (int row = 0; row < 8; row++) {
      float sum = 0;
      for (int column = 0; column < 10; column++) {
        sum += c[row * 10 + column];
        assertTrue(c[row * 10 + column] == 0 || c[row * 10 + column] == 1);
      }
      assertEquals(1, sum);
    }
  }

  @Test
  void theLossFollowsFromTheLogits() {
    Golden golden = Golden.load("uncond-32-rgb");
    double loss = 0;
    for (float logit : golden.values("out.d_fake")) {
      loss += Math.log1p(Math.exp(-logit)) / 8;
    }
    assertEquals(golden.values("out.g_loss")[0], loss, 1e-5);
  }

  @Test
  void anUnknownTensorIsNamed() {
    Golden golden = Golden.load("uncond-32-rgb");
    assertTrue(assertThrows(IllegalArgumentException.class, () -> golden.values("out.none")).getMessage()
        .contains("out.none"));
  }
}
