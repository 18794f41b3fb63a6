package dev.lethe.trainer.data;

import java.util.stream.IntStream;

/**
 * Images that a model is trained on far more often than on others, so that it memorises them: the positive control of
 * an attack that looks for memorised images (Carlini et al. 2019, arXiv 1802.08232). They are taken from a test split,
 * evenly spread over it, so that no other training has seen them.
 */
public final class Canaries {

  private Canaries() {}

  /** Indices in the test split of {@code count} canaries, ascending. */
  public static int[] indices(int testSize, int count) {
    if (count < 0 || count > testSize) {
      throw new IllegalArgumentException(count + " canaries cannot be taken from " + testSize + " test images");
    }
    return IntStream.range(0, count).map(i -> (int) ((long) i * testSize / count)).toArray();
  }

  /** The training images, then each canary {@code repeats} times. */
  public static ImageDataset among(ImageDataset training, ImageDataset test, int count, int repeats) {
    int[] canaries = indices(test.size(), count);
    return new Joined(training,
        test.subset(IntStream.range(0, count * repeats).map(i -> canaries[i % count]).toArray()));
  }
}
