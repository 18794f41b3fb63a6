package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Ops.Window;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArithmeticTest {

  private final Graph g = new Graph("counted");

  @Test
  void ofAMatrixProduct() {
    Value a = g.input("a", 3, 5);
    assertEquals(3 * 5 * 7, count(Ops.gemm(a, g.input("b", 5, 7), false, false, 1)));
    assertEquals(3 * 5 * 2, count(Ops.gemm(a, g.input("c", 3, 2), true, false, 1)));
  }

  /** 2 images, 4 channels to 6, 3×3 kernels at 8×8 places; the adjoints do the same arithmetic. */
  @Test
  void ofAConvolutionAndItsAdjoints() {
    Window same = Window.same(3);
    Value x = g.input("x", 2, 4, 8, 8);
    Value weight = g.input("weight", 6, 4, 3, 3);
    Value y = g.input("y", 2, 6, 8, 8);
    long expected = 2 * 6 * 8 * 8 * 4 * 3 * 3;
    assertEquals(expected, count(Ops.conv(x, weight, same)));
    assertEquals(expected, count(Ops.convTranspose(y, weight, same, 8, 8)));
    assertEquals(expected, count(Ops.convWeight(x, y, weight, same)));
  }

  @Test
  void ofGroupsIsThatOfTheChannelsWithinAGroup() {
    Value x = g.input("x", 1, 4, 8, 8);
    assertEquals(4 * 8 * 8 * 3 * 3, count(Ops.conv(x, g.input("weight", 4, 1, 3, 3), new Window(1, 1, 1, 4))));
  }

  @Test
  void whatIsSharedCountsOnceAndWhatIsNotNeededNotAtAll() {
    Value product = Ops.gemm(g.input("a", 2, 2), g.input("b", 2, 2), false, false, 1);
    Ops.gemm(product, product, false, false, 1);
    assertEquals(8, Arithmetic.multiplyAdds(List.of(Ops.add(product, product), Ops.mul(product, 2))));
  }

  private static long count(Value value) {
    return Arithmetic.multiplyAdds(List.of(value));
  }
}
