package dev.lethe.trainer.sampling;

import java.util.SplittableRandom;

/** The indices from 0 up to a size in a random order, and in another one each time that all have come. */
public final class ShuffledIndices {

  private final int[] order;
  private final SplittableRandom random;
  private int used;

  public ShuffledIndices(int size, SplittableRandom random) {
    this.order = new int[size];
    this.random = random;
    this.used = size;
  }

  public int size() {
    return order.length;
  }

  /** The next {@code n} indices. */
  public int[] next(int n) {
    int[] taken = new int[n];
    for (int i = 0; i < n; i++) {
      if (used == order.length) {
        shuffle();
      }
      taken[i] = order[used++];
    }
    return taken;
  }

  private void shuffle() {
    for (int i = 0; i < order.length; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    used = 0;
  }
}
