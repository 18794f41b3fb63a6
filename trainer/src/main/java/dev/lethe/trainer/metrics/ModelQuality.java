package dev.lethe.trainer.metrics;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.bundle.ModelCard.Quality;
import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.sampling.Sampler;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * How good a generator's samples are beside real images: the share that a classifier recognises, and the Fréchet
 * distance to the test images (FID, Heusel et al. 2017), both by one {@code features.onnx}. The same distance of as
 * many real training images says what a perfect generator would get: that of finite samples is above 0.
 *
 * <p>What is measured of real images does not depend on the model and is measured once, at the start. Equal arguments
 * give equal figures, but for rounding on other hardware.
 */
public final class ModelQuality {

  /** Samples that a model card's figures are of, where the data has as many training images. */
  public static final int SAMPLES = 10_000;
  /** Seed of a model card's figures, whatever the model was trained with, so that anyone can measure them again. */
  public static final long SEED = 0;

  /** Images at a time: bounds memory at high resolutions. */
  private static final int MOST_IMAGES = 256;
  private static final int MOST_VALUES = 1 << 23;

  private final FeatureExtractor extractor;
  private final int samples;
  private final long seed;
  private final List<String> labels;
  private final int channels;
  private final int resolution;
  private final Tally test;
  private final double fidReal;

  /**
   * Measures the real images.
   *
   * @param extractor stays the caller's, open as long as this is used; where it has another number of logits than the
   *     data has classes, there are no accuracies
   * @param training what samples are compared with: {@code samples} of its images, drawn without replacement
   * @param test what the distances are to; at least 2 images, of the same size and classes
   * @param samples images to generate, as many for each class (but for a remainder); from 2 and the number of classes,
   *     to the number of training images
   * @param seed of the draw of training images, and of z
   * @throws IllegalArgumentException if the data sets do not belong together, or have too few images
   */
  public ModelQuality(FeatureExtractor extractor, ImageDataset training, ImageDataset test, int samples, long seed) {
    if (test.channels() != training.channels() || test.resolution() != training.resolution()
        || !test.labels().equals(training.labels())) {
      throw new IllegalArgumentException("the splits differ: training images " + size(training.channels(),
          training.resolution()) + " of classes " + training.labels() + ", test images " + size(test.channels(),
          test.resolution()) + " of classes " + test.labels());
    }
    int least = Math.max(2, training.classes());
    if (samples < least || samples > training.size() || test.size() < 2) {
      throw new IllegalArgumentException(samples + " samples cannot be measured with " + training.size()
          + " training and " + test.size() + " test images; take from " + least
          + " samples to as many as there are training images, and at least 2 test images");
    }
    this.extractor = extractor;
    this.samples = samples;
    this.seed = seed;
    this.labels = test.labels();
    this.channels = test.channels();
    this.resolution = test.resolution();
    this.test = tally(test, IntStream.range(0, test.size()).toArray());
    this.fidReal = distanceToTest(tally(training, drawn(samples, training.size(), new SplittableRandom(seed))));
  }

  /**
   * Measures a model at psi 1.
   *
   * @param config of the images' size; unconditional, or of the data's classes in their order
   * @param sampler of the model
   * @return no accuracy of samples for an unconditional model
   * @throws IllegalArgumentException if the model does not fit the data, or gives values that are not finite
   */
  public Quality measure(Networks config, Sampler sampler) {
    if (config.channels() != channels || config.resolution() != resolution) {
      throw new IllegalArgumentException("the model makes images of " + size(config.channels(), config.resolution())
          + "; those of the data are " + size(channels, resolution));
    }
    if (config.conditional() && config.classes() != labels.size()) {
      throw new IllegalArgumentException("the model has " + config.classes() + " classes; the data has "
          + labels.size());
    }
    SplittableRandom random = new SplittableRandom(seed);
    Tally made = new Tally(labels.size());
    forEachChunk(IntStream.range(0, samples).map(i -> config.conditional() ? i % config.classes() : 0).toArray(),
        classes -> made.add(extractor.run(sampler.images(classes, random)), classes));
    boolean recognised = config.conditional() && made.recognises();
    return new Quality(samples, recognised ? made.accuracy() : null, recognised ? byLabel(made) : null,
        distanceToTest(made), fidReal, test.recognises() ? test.accuracy() : null);
  }

  private Map<String, Double> byLabel(Tally tally) {
    Map<String, Double> accuracies = new LinkedHashMap<>();
    for (int c = 0; c < labels.size(); c++) {
      accuracies.put(labels.get(c), tally.accuracy(c));
    }
    return accuracies;
  }

  private double distanceToTest(Tally tally) {
    return FrechetDistance.between(tally.features(), test.features());
  }

  private Tally tally(ImageDataset data, int[] indices) {
    Tally tally = new Tally(data.classes());
    forEachChunk(indices, chunk -> tally.add(extractor.run(data.images(chunk)),
        IntStream.of(chunk).map(data::label).toArray()));
    return tally;
  }

  /** Takes some of the images. */
  private interface Chunk {
    void take(int[] items);
  }

  private void forEachChunk(int[] items, Chunk chunk) {
    int most = Math.max(1, Math.min(MOST_IMAGES, MOST_VALUES / (channels * resolution * resolution)));
    for (int from = 0; from < items.length; from += most) {
      chunk.take(Arrays.copyOfRange(items, from, Math.min(from + most, items.length)));
    }
  }

  /** The first steps of a Fisher-Yates shuffle of 0 to {@code of} - 1. */
  private static int[] drawn(int count, int of, SplittableRandom random) {
    int[] order = IntStream.range(0, of).toArray();
    for (int i = 0; i < count; i++) {
      int j = random.nextInt(i, of);
      int other = order[j];
      order[j] = order[i];
      order[i] = other;
    }
    return Arrays.copyOf(order, count);
  }

  private static String size(int channels, int resolution) {
    return channels + "x" + resolution + "x" + resolution;
  }

  /** Features of images, and how many were recognised. */
  private static final class Tally {

    private final long[] seen;
    private final long[] right;
    private FeatureStatistics features;
    private boolean recognises;

    /** Of no images yet. */
    Tally(int classes) {
      this.seen = new long[classes];
      this.right = new long[classes];
    }

    void add(FeatureExtractor.Outputs outputs, int[] classes) {
      Tensor vectors = outputs.features();
      if (features == null) {
        features = new FeatureStatistics((int) vectors.shape()[1]);
        recognises = seen.length > 0 && outputs.logits().shape()[1] == seen.length;
      }
      features.add(vectors.data());
      if (recognises) {
        int[] predictions = outputs.predictions();
        for (int i = 0; i < classes.length; i++) {
          seen[classes[i]]++;
          right[classes[i]] += predictions[i] == classes[i] ? 1 : 0;
        }
      }
    }

    FeatureStatistics features() {
      return features;
    }

    /** False when there are no classes, or the network's are others. */
    boolean recognises() {
      return recognises;
    }

    double accuracy() {
      return LongStream.of(right).sum() / (double) LongStream.of(seen).sum();
    }

    double accuracy(int label) {
      return right[label] / (double) seen[label];
    }
  }
}
