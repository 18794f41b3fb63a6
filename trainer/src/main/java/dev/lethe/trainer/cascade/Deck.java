package dev.lethe.trainer.cascade;

import java.util.SplittableRandom;

/** Deals the numbers from 0 up to a size in a random order, and again in another when all are dealt. */
final class Deck {

  private final int[] order;
  private final SplittableRandom random;
  private int dealt;

  Deck(int size, SplittableRandom random) {
    this.order = new int[size];
    this.random = random;
    this.dealt = size;
  }

  int size() {
    return order.length;
  }

  int[] deal(int n) {
    int[] hand = new int[n];
    for (int i = 0; i < n; i++) {
      if (dealt == order.length) {
        shuffle();
      }
      hand[i] = order[dealt++];
    }
    return hand;
  }

  private void shuffle() {
    for (int i = 0; i < order.length; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    dealt = 0;
  }
}
