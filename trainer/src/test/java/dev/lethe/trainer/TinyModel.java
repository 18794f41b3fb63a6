package dev.lethe.trainer;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.DiscriminatorConfig;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.LatentStatistics;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Small networks with random weights, and random images: what unlearning computes does not depend on their beauty. */
public final class TinyModel {

  public static final int SIZE = 32;

  private TinyModel() {}

  public static ModelWeights of(int classes) {
    StyleGan2Config config = config(classes);
    FeatureNetwork features = new FeatureNetwork(SIZE, 1, Math.max(2, classes));
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 1));
    weights.putAll(features.initialize(2));
    return new ModelWeights(config, features, weights);
  }

  private static StyleGan2Config config(int classes) {
    return new StyleGan2Config(SIZE, 1, classes, 8, 8, 1, 256, 8);
  }

  /** Images to unlearn: a bright square each, somewhere in the left half. */
  public static ImageDataset unlearned(int classes, int n) {
    return images(classes, n, 0, 1);
  }

  /** Images to keep: a bright square each, somewhere in the right half. */
  public static ImageDataset learned(int classes, int n) {
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
    return Datasets.of(names(Math.max(1, classes)), images, labels);
  }

  /** Writes {@link #of} as a bundle, with a record of training. */
  public static Bundle bundle(Path directory, int classes, Map<String, String> unlearned) throws IOException {
    ModelWeights model = of(classes);
    WStatistics w;
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), Compute.cpu(1))) {
      w = LatentStatistics.measure(model.config(), sampler);
    }
    Map<String, Tensor> weights = new HashMap<>(model.weights());
    weights.keySet().removeIf(name -> name.startsWith("F."));
    ModelCard card = new ModelCard(ModelCard.FORMAT_VERSION, "tiny", "v1", null, ModelCard.STYLEGAN2,
        config(classes).network(), names(classes), unlearned, w,
        new ModelCard.Training("squares", 100, 0, 4, 1, 10, 100, "here", "2026-01-01"), null, Map.of());
    return StyleGan2Bundle.write(directory, card, weights,
        OnnxWriter.inference(model.features().graph(), model.weights()));
  }

  /** An unconditional model as it comes from elsewhere: with nothing but its networks. */
  public static Bundle imported(Path directory, boolean discriminator) throws IOException {
    StyleGan2Config config = new StyleGan2Config(SIZE, 1, 0, 8, 8, 1, 256, 8, null, null,
        discriminator ? DiscriminatorConfig.DEFAULT : null);
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 1));
    WStatistics w;
    try (Sampler sampler = Sampler.open(config, weights, Compute.cpu(1))) {
      w = LatentStatistics.measure(config, sampler);
    }
    return StyleGan2Bundle.write(directory, new ModelCard(ModelCard.FORMAT_VERSION, "tiny", "v1", null,
        ModelCard.STYLEGAN2, config.network(), List.of(), Map.of(), w, null, null, Map.of()), weights);
  }

  private static List<String> names(int classes) {
    return IntStream.range(0, classes).mapToObj(c -> "class " + c).toList();
  }
}
