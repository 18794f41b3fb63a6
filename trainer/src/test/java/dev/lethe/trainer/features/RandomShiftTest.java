package dev.lethe.trainer.features;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.graph.Tensor;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RandomShiftTest {

  private static final int N = 400;
  private static final int CHANNELS = 3;
  private static final int HEIGHT = 5;
  private static final int WIDTH = 6;

  @Test
  void everyImageIsMovedAsAWholeByAllShiftsUpToTheMost() {
    Tensor images = Tensor.zeros(N, CHANNELS, HEIGHT, WIDTH);
    for (int i = 0; i < images.data().length; i++) {
      // Different in every pixel of an image, so that only one shift explains what comes out.
      images.data()[i] = i % (CHANNELS * HEIGHT * WIDTH) / 100f;
    }
    float[] before = images.data().clone();
    Tensor moved = new RandomShift(2).apply(images, new SplittableRandom(7));

    Set<String> shifts = new HashSet<>();
    for (int n = 0; n < N; n++) {
      shifts.add(shift(images.data(), moved.data(), n));
    }
    assertEquals(25, shifts.size(), "all of 5 x 5: " + shifts);
    assertArrayEquals(before, images.data(), "the images given");
    assertArrayEquals(moved.data(), new RandomShift(2).apply(images, new SplittableRandom(7)).data(), "again");
  }

  /** The only shift within 2 pixels that makes one image of the other, by the definition. */
  private static String shift(float[] images, float[] moved, int n) {
    String found = null;
    for (int dy = -2; dy <= 2; dy++) {
      for (int dx = -2; dx <= 2; dx++) {
        boolean same = true;
        for (int p = 0; p < CHANNELS * HEIGHT * WIDTH; p++) {
          int y = p / WIDTH % HEIGHT + dy;
          int x = p % WIDTH + dx;
          boolean inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
          int at = n * CHANNELS * HEIGHT * WIDTH + p;
          same &= moved[at] == (inside ? images[at + dy * WIDTH + dx] : -1);
        }
        if (same) {
          assertNull(found, "two shifts explain image " + n);
          found = dy + " " + dx;
        }
      }
    }
    if (found == null) {
      throw new AssertionError("no shift explains image " + n);
    }
    return found;
  }

  @Test
  void noShiftLeavesImagesAsTheyAre() {
    Tensor images = Tensor.zeros(1, 1, 4, 4);
    assertSame(images, new RandomShift(0).apply(images, new SplittableRandom(0)));
  }

  @Test
  void aShiftOutOfSightIsRefused() {
    assertThrows(IllegalArgumentException.class,
        () -> new RandomShift(4).apply(Tensor.zeros(1, 1, 4, 4), new SplittableRandom(0)));
  }
}
