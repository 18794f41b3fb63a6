package dev.lethe.trainer.unlearning;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.features.FeatureTrainer;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Measures a model after arXiv 2308.09881, section 5.1. The original and the candidate are measured with the same
 * random draws.
 *
 * @param unlearned the images to unlearn
 * @param learned the images to keep
 * @param neverSeen real images of the unlearned ones' classes that training never saw, for {@code aucUt}
 * @param real real images of the classes that stay, for the accuracy of a classifier
 * @param erased class indices of a conditional model that are unlearned as a whole
 * @param lookalike class of the feature network that an unconditional model unlearns
 */
public record Measurements(ImageDataset unlearned, ImageDataset learned,
    Optional<ImageDataset> neverSeen, Optional<ImageDataset> real, Set<Integer> erased, OptionalInt lookalike,
        MeasurementOptions options, long seed,
    Compute compute) {

  /** @param directory for a training session's files */
  public Measured of(ModelWeights model, Path directory) throws IOException {
    OptionalDouble aucLu = OptionalDouble.empty();
    OptionalDouble aucUt = OptionalDouble.empty();
    OptionalDouble aucLt = OptionalDouble.empty();
    if (model.hasDiscriminator()) {
      try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), compute)) {
        float[] ofUnlearned = scores.of(unlearned);
        float[] ofLearned = scores.of(learned);
        aucLu = OptionalDouble.of(RocAuc.of(ofLearned, ofUnlearned));
        if (neverSeen.isPresent()) {
          float[] ofNeverSeen = scores.of(neverSeen.get());
          aucUt = OptionalDouble.of(RocAuc.of(ofUnlearned, ofNeverSeen));
          aucLt = OptionalDouble.of(RocAuc.of(ofLearned, ofNeverSeen));
        }
      }
    }
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute);
        FeatureExtractor extractor = FeatureExtractor.open(model, compute)) {
      FeatureExtractor.Outputs made = extractor.run(sampler,
          sampler.latents(labels(options.samples(), seed), new SplittableRandom(seed)));
      float[] features = made.features().data();
      return new Measured(aucLu, aucUt, aucLt, distance(features, extractor.run(learned)),
          unlearned.size() < 2 ? OptionalDouble.empty()
              : OptionalDouble.of(distance(features, extractor.run(unlearned))),
          model.config().conditional() && real.isPresent() ? OptionalDouble.of(accuracy(sampler, directory))
              : OptionalDouble.empty(),
          lookalike.isPresent() ? OptionalDouble.of(share(made.predictions(), Set.of(lookalike.getAsInt())))
              : erasedRecognised(model, sampler, extractor),
          keptRecognised(model, sampler, extractor));
    }
  }

  private static double distance(float[] features, FeatureExtractor.Outputs of) {
    return FrechetDistance.between(features, of.features().data(), of.width());
  }

  private OptionalDouble erasedRecognised(ModelWeights model, Sampler sampler, FeatureExtractor extractor) {
    if (erased.isEmpty() || !recognises(model)) {
      return OptionalDouble.empty();
    }
    int[] labels = cycle(erased.stream().mapToInt(Integer::intValue).sorted().toArray(), options.recognised());
    return OptionalDouble.of(share(
        extractor.run(sampler.images(labels, new SplittableRandom(seed + 2))).predictions(), erased));
  }

  private OptionalDouble keptRecognised(ModelWeights model, Sampler sampler, FeatureExtractor extractor) {
    if (!model.config().conditional() || !recognises(model)) {
      return OptionalDouble.empty();
    }
    int[] labels = cycle(Arrays.stream(learned.classIndices()).distinct().sorted().toArray(), options.recognised());
    int[] seen = extractor.run(sampler.images(labels, new SplittableRandom(seed + 3))).predictions();
    return OptionalDouble.of(
        IntStream.range(0, labels.length).filter(i -> seen[i] == labels[i]).count() / (double) labels.length);
  }

  /** Whether the feature network knows the model's classes. */
  private static boolean recognises(ModelWeights model) {
    return model.recognisedClasses() == model.config().classes();
  }

  private static double share(int[] predictions, Set<Integer> classes) {
    return Arrays.stream(predictions).filter(classes::contains).count() / (double) predictions.length;
  }

  private double accuracy(Sampler sampler, Path directory) throws IOException {
    int[] labels = labels(options.classifierImages(), seed + 1);
    ImageDataset generated =
        Datasets.of(learned.labels(), sampler.images(labels, new SplittableRandom(seed + 1)), labels);
    FeatureNetwork classifier = new FeatureNetwork(learned.resolution(), learned.channels(), learned.classes());
    var training = new FeatureTrainer.Options(options.classifierEpochs(), 64, 0.001, 2, seed);
    var weights = FeatureTrainer.train(classifier.size(), generated, training, directory, compute,
        (step, steps, loss) -> { });
    try (FeatureExtractor trained = FeatureExtractor.open(OnnxWriter.inference(classifier.graph(), weights), compute)) {
      return trained.accuracy(real.orElseThrow());
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

  private static int[] cycle(int[] values, int n) {
    return IntStream.range(0, n).map(i -> values[i % values.length]).toArray();
  }
}
