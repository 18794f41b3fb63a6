package dev.lethe.trainer.unlearning;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Small networks with random weights, and random images: what unlearning computes does not depend on their beauty. */
final class TinyModel {

  static final int SIZE = 32;

  private TinyModel() {}

  static ModelWeights of(int classes) {
    StyleGan2Config config = new StyleGan2Config(SIZE, 1, classes, 8, 8, 1, 256, 8);
    FeatureNetwork features = new FeatureNetwork(SIZE, 1, Math.max(2, classes));
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 1));
    weights.putAll(features.initialize(2));
    return new ModelWeights(config, features, weights);
  }

  /** Images to unlearn: a bright square each, somewhere in the left half. */
  static ImageDataset unlearned(int classes, int n) {
    return images(classes, n, 0, 1);
  }

  /** Images to keep: a bright square each, somewhere in the right half. */
  static ImageDataset learned(int classes, int n) {
    return images(classes, n, SIZE / 2, 2);
  }

  private static ImageDataset images(int classes, int n, int from, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor images = Tensor.zeros(n, 1, SIZE, SIZE);
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      int top = random.nextInt(SIZE - 8);
      int left = from + random.nextInt(SIZE / 2 - 8);
      for (int k = 0; k < SIZE * SIZE; k++) {
        int y = k / SIZE - top;
        int x = k % SIZE - left;
        images.data()[i * SIZE * SIZE + k] = y >= 0 && y < 8 && x >= 0 && x < 8 ? 1 : -1;
      }
      labels[i] = i % Math.max(1, classes);
    }
    List<String> names = new ArrayList<>();
    for (int c = 0; c < Math.max(1, classes); c++) {
      names.add("class " + c);
    }
    return Datasets.of(names, images, labels);
  }
}
