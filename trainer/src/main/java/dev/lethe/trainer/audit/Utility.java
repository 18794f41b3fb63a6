package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.metrics.FeatureStatistics;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.metrics.PrecisionRecall;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * What a model is still good for: the Fréchet distance of its samples from real images that stay, and where it is
 * looked at in full their precision, recall and accuracy. A chain of small losses shows only against the root version,
 * the one that no unlearning has touched.
 *
 * @param root the model that distances start from
 * @param kept real images that stay, two or more
 * @param labels classes that samples are drawn of; of an unconditional model {0}
 */
public record Utility(ModelWeights root, ImageDataset kept, int[] labels, int samples, long seed,
    Compute compute) {

  /** Samples, and real images, that precision and recall are of at most: each is held against all. */
  static final int NEIGHBOURS_AMONG = 5_000;

  private static final int CHUNK = 1000;

  /**
   * Samples of a model.
   *
   * @param statistics of the features of all of them
   * @param vectors features of the first, [most, F]
   * @param recognised share that is taken for its label; empty where that cannot be said
   */
  private record Drawn(FeatureStatistics statistics, float[] vectors, Optional<Double> recognised) {}

  /** Fréchet distances of the root's samples and of the candidate's, drawn from the same z. */
  public BeforeAfter<Double> of(ModelWeights candidate) {
    try (FeatureExtractor extractor = FeatureExtractor.open(root, compute)) {
      FeatureExtractor.Outputs seen = extractor.run(real());
      FeatureStatistics real = FeatureStatistics.of(seen.features().data(), seen.width());
      return new BeforeAfter<>(
          FrechetDistance.between(draw(root, extractor, extractor, seen.width(), 0).statistics, real),
          FrechetDistance.between(draw(candidate, extractor, extractor, seen.width(), 0).statistics, real));
    }
  }

  /**
   * The same, and what else samples tell: precision and recall of at most 5,000 of them against as many real images, in
   * the feature space of the Fréchet distance, and the share that a classifier recognises.
   *
   * @param judge a classifier of the model's classes that nothing learned with; without one the root's own feature
   *     network is asked, which redactions may have learned with
   */
  public UtilityFindings inFull(ModelWeights candidate, Optional<FeatureExtractor> judge) {
    try (FeatureExtractor extractor = FeatureExtractor.open(root, compute)) {
      FeatureExtractor.Outputs seen = extractor.run(real());
      int width = seen.width();
      FeatureStatistics real = FeatureStatistics.of(seen.features().data(), width);
      int most = Math.min(NEIGHBOURS_AMONG, Math.min(samples, kept.size()));
      Drawn before = draw(root, extractor, judge.orElse(extractor), width, most);
      Drawn after = draw(candidate, extractor, judge.orElse(extractor), width, most);
      Optional<BeforeAfter<PrecisionRecall>> coverage = Optional.empty();
      if (most > PrecisionRecall.NEIGHBOURS) {
        PrecisionRecall.Vectors vectors =
            new PrecisionRecall.Vectors(seen.features().rows(0, most).data(), width);
        coverage = Optional.of(new BeforeAfter<>(
            PrecisionRecall.of(vectors, new PrecisionRecall.Vectors(before.vectors, width)),
            PrecisionRecall.of(vectors, new PrecisionRecall.Vectors(after.vectors, width))));
      }
      return new UtilityFindings(
          new BeforeAfter<>(FrechetDistance.between(before.statistics, real),
              FrechetDistance.between(after.statistics, real)),
          coverage,
          before.recognised.flatMap(share -> after.recognised.map(then -> new BeforeAfter<>(share, then))));
    }
  }

  private ImageDataset real() {
    return kept.subset(IntStream.range(0, Math.min(samples, kept.size())).toArray());
  }

  /** @param most samples whose features are kept */
  private Drawn draw(ModelWeights model, FeatureExtractor extractor, FeatureExtractor classifier, int width, int most) {
    FeatureStatistics statistics = new FeatureStatistics(width);
    float[] vectors = new float[most * width];
    int right = 0;
    boolean recognises = root.config().conditional();
    SplittableRandom random = new SplittableRandom(seed);
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      for (int from = 0; from < samples; from += CHUNK) {
        int[] chunk = IntStream.range(from, Math.min(from + CHUNK, samples)).map(i -> labels[i % labels.length])
            .toArray();
        Tensor images = sampler.images(chunk, random);
        FeatureExtractor.Outputs outputs = extractor.run(images);
        float[] features = outputs.features().data();
        statistics.add(features);
        if (from < most) {
          System.arraycopy(features, 0, vectors, from * width, Math.min(features.length, (most - from) * width));
        }
        FeatureExtractor.Outputs judged = classifier == extractor ? outputs : classifier.run(images);
        recognises &= judged.logits() != null && judged.logits().shape()[1] == root.config().classes();
        if (recognises) {
          int[] taken = judged.predictions();
          right += (int) IntStream.range(0, chunk.length).filter(i -> taken[i] == chunk[i]).count();
        }
      }
    }
    return new Drawn(statistics, vectors,
        recognises ? Optional.of((double) right / samples) : Optional.empty());
  }

  /** Classes of some images, each once; {0} for unlabelled ones. */
  public static int[] labels(ImageDataset images) {
    return Arrays.stream(images.classIndices()).distinct().sorted().toArray();
  }
}
