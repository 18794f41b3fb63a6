package dev.lethe.trainer.substitution;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The one class that takes the place of each erased class: of those that stay, the one whose pictures look most like
 * it. One for a whole class, since stand-ins chosen latent by latent contradict each other and what the label comes to
 * mean.
 *
 * @param byClass stand-in by erased class; empty for single images, and for unconditional models
 */
public record StandIns(Map<Integer, Integer> byClass) {

  public static final StandIns NONE = new StandIns(Map.of());

  /** Pictures of a class that are looked at. */
  private static final int SAMPLES = 64;

  /**
   * Chooses by the mean features of what the model draws.
   *
   * @param erased classes to erase
   * @param gone classes that earlier versions have erased, which stand in for nothing
   */
  public static StandIns choose(ModelWeights model, Set<Integer> erased, Set<Integer> gone, long seed,
      Compute compute) {
    int classes = model.config().classes();
    if (classes == 0 || erased.isEmpty()) {
      return NONE;
    }
    double[][] means = new double[classes][];
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute);
        FeatureExtractor extractor = FeatureExtractor.open(model, compute)) {
      for (int c = 0; c < classes; c++) {
        int[] labels = new int[SAMPLES];
        Arrays.fill(labels, c);
        means[c] = mean(extractor.run(sampler.images(labels, new SplittableRandom(seed))).features());
      }
    }
    Map<Integer, Integer> chosen = new TreeMap<>();
    for (int label : erased) {
      int nearest = IntStream.range(0, classes).filter(c -> !erased.contains(c) && !gone.contains(c)).boxed()
          .min((a, b) -> Double.compare(distance(means[label], means[a]), distance(means[label], means[b])))
          .orElseThrow(() -> new IllegalArgumentException("no class stays"));
      chosen.put(label, nearest);
    }
    return new StandIns(chosen);
  }

  /** The class itself if it stays, else its stand-in. */
  public int of(int label) {
    return byClass.getOrDefault(label, label);
  }

  private static double[] mean(Tensor features) {
    int n = (int) features.shape()[0];
    int width = (int) features.shape()[1];
    double[] mean = new double[width];
    for (int i = 0; i < features.data().length; i++) {
      mean[i % width] += features.data()[i] / (double) n;
    }
    return mean;
  }

  private static double distance(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> (a[i] - b[i]) * (a[i] - b[i])).sum();
  }
}
