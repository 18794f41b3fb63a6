package dev.lethe.trainer.features;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.util.List;
import java.util.SplittableRandom;

/** Noise with a brighter square in the quarter of the image that is the class: easy, but not without learning. */
final class Blobs {

  static final List<String> LABELS = List.of("top left", "top right", "bottom left", "bottom right");
  private static final int SIZE = 32;
  private static final int SQUARE = 8;

  private Blobs() {}

  /** As many of each class, [N, 1, 32, 32]. */
  static ImageDataset dataset(int n, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor images = Tensor.zeros(n, 1, SIZE, SIZE);
    int[] classes = new int[n];
    for (int i = 0; i < n; i++) {
      classes[i] = i % LABELS.size();
      int top = classes[i] / 2 * SIZE / 2 + 4;
      int left = classes[i] % 2 * SIZE / 2 + 4;
      for (int p = 0; p < SIZE * SIZE; p++) {
        int y = p / SIZE - top;
        int x = p % SIZE - left;
        boolean bright = y >= 0 && y < SQUARE && x >= 0 && x < SQUARE;
        images.data()[i * SIZE * SIZE + p] = (float) Math.max(-1, Math.min(1,
            (bright ? 0.3 : -0.3) + 0.5 * random.nextGaussian()));
      }
    }
    return Datasets.of(LABELS, images, classes);
  }
}
