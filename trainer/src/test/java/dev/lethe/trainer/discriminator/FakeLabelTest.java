package dev.lethe.trainer.discriminator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FakeLabelTest {

  private static final Logits USUAL =
      new Logits(new int[] {0, 1, 1, 2}, new float[] {-3, 0.5f, 0.7f, 9});

  @Test
  void aConstantIsTheSameOfEveryImage() {
    assertArrayEquals(new float[] {-1, -1}, FakeLabel.Constant.DEFAULT.of(new int[] {0, 1}, () -> USUAL, 0));
  }

  @Test
  void theAutomaticOneIsAJudgementOfTheClass() {
    float[] drawn = new FakeLabel.Auto().of(new int[] {0, 2, 0}, () -> USUAL, 0);
    assertArrayEquals(new float[] {-3, 9, -3}, drawn);
  }

  @Test
  void theAutomaticOneFollowsTheDistributionOfTheClass() {
    float[] drawn = new FakeLabel.Auto().of(ones(1000), () -> USUAL, 0);
    int higher = 0;
    for (float f : drawn) {
      higher += f == 0.7f ? 1 : 0;
      assertEquals(0.6f, f, 0.11f);
    }
    assertEquals(500, higher, 80);
  }

  @Test
  void aClassWithoutAJudgementGetsOneOfAnother() {
    for (float f : new FakeLabel.Auto().of(new int[] {7, 7, 7, 7}, () -> USUAL, 0)) {
      assertEquals(1, IntStream.range(0, 4).filter(i -> USUAL.logits()[i] == f).count());
    }
  }

  private static int[] ones(int n) {
    int[] all = new int[n];
    Arrays.fill(all, 1);
    return all;
  }
}
