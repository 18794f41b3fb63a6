package dev.lethe.trainer.cascade;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lethe.trainer.sampling.ShuffledIndices;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DeckTest {

  @Property(tries = 100)
  void dealsEveryNumberOnceARound(@ForAll @IntRange(min = 1, max = 40) int size,
      @ForAll @IntRange(min = 1, max = 50) int hand, @ForAll long seed) {
    ShuffledIndices deck = new ShuffledIndices(size, new SplittableRandom(seed));
    int rounds = hand;
    int[] dealt = IntStream.range(0, size).flatMap(i -> Arrays.stream(deck.next(hand))).toArray();
    for (int round = 0; round < rounds; round++) {
      int[] one = Arrays.copyOfRange(dealt, round * size, (round + 1) * size);
      Arrays.sort(one);
      assertArrayEquals(IntStream.range(0, size).toArray(), one);
    }
  }

  @Test
  void theOrderIsRandomAndFollowsFromTheSeed() {
    ShuffledIndices deck = new ShuffledIndices(50, new SplittableRandom(1));
    int[] first = deck.next(50);
    assertFalse(Arrays.equals(first, deck.next(50)), "two rounds in the same order");
    assertArrayEquals(first, new ShuffledIndices(50, new SplittableRandom(1)).next(50));
  }
}
