package dev.lethe.trainer.audit;

import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.FeatureStatistics;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What a model is still good for: the Fréchet distance of its samples from real images that stay. A chain of small
 * losses shows only against the root version, the one that no unlearning has touched.
 *
 * @param root the model that distances start from
 * @param kept real images that stay, two or more
 * @param labels classes that samples are drawn of; of an unconditional model {0}
 */
public record Utility(ModelWeights root, ImageDataset kept, int[] labels, int samples, long seed,
    Compute compute) {

  private static final int CHUNK = 1000;

  /** Fréchet distances of the root's samples and of the candidate's, drawn from the same z. */
  public BeforeAfter<Double> of(ModelWeights candidate) {
    try (FeatureExtractor extractor = FeatureExtractor.open(root, compute)) {
      ImageDataset some = kept.subset(IntStream.range(0, Math.min(samples, kept.size())).toArray());
      FeatureExtractor.Outputs seen = extractor.run(some);
      FeatureStatistics real = FeatureStatistics.of(seen.features().data(), seen.width());
      return new BeforeAfter<>(FrechetDistance.between(statistics(root, extractor, seen.width()), real),
          FrechetDistance.between(statistics(candidate, extractor, seen.width()), real));
    }
  }

  private FeatureStatistics statistics(ModelWeights model, FeatureExtractor extractor, int features) {
    FeatureStatistics statistics = new FeatureStatistics(features);
    SplittableRandom random = new SplittableRandom(seed);
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      for (int from = 0; from < samples; from += CHUNK) {
        int[] chunk = IntStream.range(from, Math.min(from + CHUNK, samples)).map(i -> labels[i % labels.length])
            .toArray();
        statistics.add(extractor.run(sampler.images(chunk, random)).features().data());
      }
    }
    return statistics;
  }

  /** Classes of some images, each once; {0} for unlabelled ones. */
  public static int[] labels(ImageDataset images) {
    return Arrays.stream(images.classIndices()).distinct().sorted().toArray();
  }
}
