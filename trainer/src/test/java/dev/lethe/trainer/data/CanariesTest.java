package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.trainer.TinyModel;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CanariesTest {

  @Test
  void areSpreadEvenlyOverTheTestImages() {
    assertArrayEquals(new int[] {0, 2, 5, 7}, Canaries.indices(10, 4));
    assertArrayEquals(new int[] {0, 1, 2}, Canaries.indices(3, 3));
    assertArrayEquals(new int[0], Canaries.indices(3, 0));
    assertEquals("4 canaries cannot be taken from 3 test images",
        assertThrows(IllegalArgumentException.class, () -> Canaries.indices(3, 4)).getMessage());
    assertThrows(IllegalArgumentException.class, () -> Canaries.indices(3, -1));
  }

  @Test
  void comeAfterTheTrainingImagesEachAsOftenAsAsked() {
    ImageDataset training = TinyModel.learned(3, 5);
    ImageDataset test = TinyModel.unlearned(3, 8);
    ImageDataset both = Canaries.among(training, test, 2, 3);
    assertEquals(5 + 2 * 3, both.size());
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(training.pixels(i), both.pixels(i));
      assertEquals(training.label(i), both.label(i));
    }
    int[] counts = new int[2];
    for (int i = 5; i < both.size(); i++) {
      int canary = Arrays.equals(both.pixels(i), test.pixels(0)) ? 0 : 1;
      assertArrayEquals(test.pixels(4 * canary), both.pixels(i));
      assertEquals(test.label(4 * canary), both.label(i));
      counts[canary]++;
    }
    assertArrayEquals(new int[] {3, 3}, counts);
  }
}
