package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TensorTest {

  @Test
  void rowsAreThoseThatThereAre() {
    Tensor tensor = new Tensor(new long[] {2, 3}, new float[] {1, 2, 3, 4, 5, 6});
    assertArrayEquals(new float[] {4, 5, 6}, tensor.rows(1, 2).data());
    assertArrayEquals(tensor.data(), tensor.first(3).data());
    assertArrayEquals(new float[] {1, 2, 3}, tensor.first(1).data());
    assertThrows(IndexOutOfBoundsException.class, () -> tensor.rows(0, 3));
  }
}
