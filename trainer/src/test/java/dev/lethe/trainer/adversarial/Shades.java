package dev.lethe.trainer.adversarial;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.util.List;
import java.util.SplittableRandom;

/** Noise around a mean that is the class: dark images and bright ones. */
final class Shades {

  static final List<String> LABELS = List.of("dark", "bright");
  static final int SIZE = 32;

  private Shades() {}

  /** As many of each class, [N, 1, 32, 32]; no two images are equal. */
  static ImageDataset dataset(int n) {
    SplittableRandom random = new SplittableRandom(n);
    Tensor images = Tensor.zeros(n, 1, SIZE, SIZE);
    int[] classes = new int[n];
    for (int i = 0; i < images.data().length; i++) {
      int image = i / (SIZE * SIZE);
      classes[image] = image % LABELS.size();
      images.data()[i] = (float) (classes[image] - 0.5 + random.nextDouble(-0.5, 0.5));
    }
    return Datasets.of(LABELS, images, classes);
  }
}
