package dev.lethe.trainer.unlearning;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.features.FeatureTrainer;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * Measures a model after arXiv 2308.09881, section 5.1. The original and the candidate are measured with the same random
 * draws.
 *
 * @param unlearned the images to unlearn
 * @param learned the images to keep
 * @param tests real images of the same classes, for class accuracy
 * @param samples images generated for Fréchet distances
 * @param classifierImages images generated to train the classifier of {@code acc} on
 */
record Measurements(ImageDataset unlearned, ImageDataset learned, ImageDataset tests, int samples,
    int classifierImages, long seed, ExecutionDevice device, int threads) {

  private static final double CLASSIFIER_EPOCHS = 3;

  /**
   * What was measured of one model.
   *
   * @param aucLu probability that the discriminator scores a learning image above an unlearned one
   * @param fidL Fréchet distance of samples and learning images
   * @param fidU Fréchet distance of samples and unlearned images
   * @param accuracy on real images, of a classifier trained on generated ones; NaN for an unconditional model
   */
  record Values(double aucLu, double fidL, double fidU, double accuracy) {}

  Values of(ModelWeights model, Path directory) throws IOException {
    double auc;
    try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), device, threads)) {
      auc = RocAuc.of(scores.of(learned), scores.of(unlearned));
    }
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), device, threads);
        FeatureExtractor extractor = FeatureExtractor.open(
            OnnxWriter.inference(model.features().graph(), model.weights()), device, threads)) {
      Tensor made = sampler.images(labels(samples, seed), new SplittableRandom(seed));
      float[] features = extractor.run(made).features().data();
      double fidL = distance(features, extractor.run(learned));
      double fidU = distance(features, extractor.run(unlearned));
      return new Values(auc, fidL, fidU, model.config().conditional() ? accuracy(sampler, directory) : Double.NaN);
    }
  }

  private static double distance(float[] features, FeatureExtractor.Outputs of) {
    return FrechetDistance.between(features, of.features().data(), FeatureNetwork.FEATURES);
  }

  private double accuracy(Sampler sampler, Path directory) throws IOException {
    int[] labels = labels(classifierImages, seed + 1);
    ImageDataset generated = Datasets.of(learned.labels(), sampler.images(labels, new SplittableRandom(seed + 1)), labels);
    FeatureNetwork classifier =
        new FeatureNetwork(learned.resolution(), learned.channels(), learned.classes());
    var options = new FeatureTrainer.Options(CLASSIFIER_EPOCHS, 64, 0.001, 2, seed);
    var weights = FeatureTrainer.train(generated, options, directory, device, threads, (step, steps, loss) -> { });
    try (FeatureExtractor trained = FeatureExtractor.open(OnnxWriter.inference(classifier.graph(), weights), device,
        threads)) {
      return trained.accuracy(tests);
    }
  }

  /** Classes drawn as the learning images are distributed. */
  private int[] labels(int n, long labelSeed) {
    SplittableRandom random = new SplittableRandom(labelSeed);
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = learned.label(random.nextInt(learned.size()));
    }
    return labels;
  }
}
