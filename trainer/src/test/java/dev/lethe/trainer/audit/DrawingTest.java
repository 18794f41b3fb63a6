package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class DrawingTest {

  /** Two pixels each, x = (0, 0) and s = (2, 0) throughout: half of the way is 1 to the right. */
  @Test
  void isWhatOneReckonsByHand() {
    Tensor x = Tensor.zeros(4, 1, 1, 2);
    Tensor s = pictures(2, 0, 2, 0, 2, 0, 2, 0);
    Tensor first = pictures(0, 0, 0, 0, 0.5f, 0, 0, 0);
    Tensor second = pictures(0, 0, 2, 0, 1.5f, 1, 0, 3);
    Drawing drawing = Drawing.of(x, s, first, second);
    assertArrayEquals(new boolean[] {false, true, true, false}, drawing.nearer());
    assertArrayEquals(new double[] {0, 1, 0.5, 0}, drawing.way(), 1e-12);
    assertArrayEquals(new double[] {0, 1, Math.sqrt(2) / 2, 1.5}, drawing.moved(), 1e-12);
  }

  @Test
  void halfWayIsNotYetNearerAndWithoutADistanceThereIsNoWay() {
    Drawing half = Drawing.of(pictures(0, 0), pictures(2, 0), pictures(0, 0), pictures(1, 0));
    assertArrayEquals(new boolean[] {false}, half.nearer());
    Drawing same = Drawing.of(pictures(1, 1), pictures(1, 1), pictures(0, 0), pictures(5, 5));
    assertArrayEquals(new double[] {0}, same.way());
    assertArrayEquals(new double[] {0}, same.moved());
  }

  private static Tensor pictures(float... pixels) {
    return Tensor.of(pixels, pixels.length / 2, 1, 1, 2);
  }
}
