package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class RandomLatentsTest {

  /** Images at 0 and 10, substitutes 2 away: a picture within √2 of an image counts as it. */
  private static final Tensor IMAGES = Tensor.of(new float[] {0, 10}, 2, 1, 1, 1);
  private static final Tensor SUBSTITUTES = Tensor.of(new float[] {2, 12}, 2, 1, 1, 1);

  @Test
  void whatDrawsAnImageMoves() {
    RandomLatents random =
        RandomLatents.of(Tensor.of(new float[] {0.5f, 5, 9, 11.5f}, 4, 1, 1, 1), IMAGES, SUBSTITUTES, 1);
    assertArrayEquals(new int[] {0, 2}, random.drawing());
    assertArrayEquals(new int[] {0, 1}, random.imageOf());
    assertArrayEquals(new int[] {1, 3}, random.others());
  }

  @Test
  void someStayWhateverTheyDraw() {
    RandomLatents random =
        RandomLatents.of(Tensor.of(new float[] {0, 1, 10, 9.5f}, 4, 1, 1, 1), IMAGES, SUBSTITUTES, 2);
    assertArrayEquals(new int[] {0, 2}, random.drawing());
    assertArrayEquals(new int[] {1, 3}, random.others());
  }
}
