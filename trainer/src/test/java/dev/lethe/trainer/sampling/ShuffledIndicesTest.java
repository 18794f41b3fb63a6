package dev.lethe.trainer.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ShuffledIndicesTest {

  @Property(tries = 100)
  void givesEveryIndexOnceARound(@ForAll @IntRange(min = 1, max = 40) int size,
      @ForAll @IntRange(min = 1, max = 50) int taken, @ForAll long seed) {
    ShuffledIndices indices = new ShuffledIndices(size, new SplittableRandom(seed));
    int rounds = taken;
    int[] given = IntStream.range(0, size).flatMap(i -> Arrays.stream(indices.next(taken))).toArray();
    for (int round = 0; round < rounds; round++) {
      int[] one = Arrays.copyOfRange(given, round * size, (round + 1) * size);
      Arrays.sort(one);
      assertArrayEquals(IntStream.range(0, size).toArray(), one);
    }
  }

  @Test
  void theOrderIsRandomAndFollowsFromTheSeed() {
    ShuffledIndices indices = new ShuffledIndices(50, new SplittableRandom(1));
    int[] first = indices.next(50);
    assertFalse(Arrays.equals(first, indices.next(50)), "two rounds in the same order");
    assertArrayEquals(first, new ShuffledIndices(50, new SplittableRandom(1)).next(50));
  }
}
