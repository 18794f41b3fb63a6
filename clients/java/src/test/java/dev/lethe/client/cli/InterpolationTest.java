package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class InterpolationTest {

  @Test
  void goesStraightFromEachToTheNext() {
    List<float[]> way = Interpolation.between(List.of(new float[] {0, 8}, new float[] {4, 0}, new float[] {4, 4}), 4);
    assertEquals(9, way.size());
    assertArrayEquals(new float[] {1, 6}, way.get(1));
    assertArrayEquals(new float[] {4, 0}, way.get(4));
    assertArrayEquals(new float[] {4, 4}, way.get(8));
    assertThrows(IllegalArgumentException.class, () -> Interpolation.between(List.of(new float[1]), 4));
  }
}
