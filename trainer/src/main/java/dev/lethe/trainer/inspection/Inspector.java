package dev.lethe.trainer.inspection;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.model.ModelWeights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/**
 * Says of images how well a model draws them and what its discriminator makes of them, against the model's own pictures
 * and, where some are known, images that it never saw: all are looked for in the same way, as an audit attacks, in W
 * and by pixels alone.
 *
 * @param directory for training sessions' files
 */
public record Inspector(ModelWeights model, Path directory, Compute compute, long seed) {

  /** Images of each kind to compare with. */
  public static final int COMPARED = 48;

  private static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 300, 1, 60, 0.1, 0);
  /** Ranks from which on an image counts as one that stands out. */
  private static final double LOW = 0.05;
  private static final double HIGH = 0.95;
  /** Times the worst error of images that the model never saw, above which one is a stranger. */
  private static final double FAR = 3;

  /**
   * What was found.
   *
   * @param errors median squared errors of the model's own pictures, and of images never seen
   * @param secondsPerStep of a gradient step of one image
   */
  public record Findings(List<Image> images, double generatedError, OptionalDouble neverSeenError, int generated,
      int neverSeen, double secondsPerStep, List<String> notes) {}

  /**
   * One image.
   *
   * @param error mean squared error of the nearest picture
   * @param rank share of images never seen, or else of own pictures, that are drawn with less error
   * @param judgement of the discriminator, if there is one
   * @param judgementRank share of those of which it says less
   */
  public record Image(double error, double rank, OptionalDouble judgement, OptionalDouble judgementRank,
      String finding) {}

  /**
   * Looks for images.
   *
   * @param images one or more
   * @param neverSeen images that the model never saw, if some are known
   * @param progress told of the share that is done, 0 to 1
   */
  public Findings inspect(ImageDataset images, Optional<ImageDataset> neverSeen, DoubleConsumer progress)
      throws IOException {
    long started = System.nanoTime();
    int[] labels = images.classIndices();
    int[] generatedLabels = IntStream.range(0, COMPARED).map(i -> labels[i % labels.length]).toArray();
    Optional<ImageDataset> unseen = neverSeen.filter(tests -> tests.size() > 0)
        .map(tests -> tests.subset(IntStream.range(0, Math.min(COMPARED, tests.size())).toArray()));
    int all = images.size() + COMPARED + unseen.map(ImageDataset::size).orElse(0);
    Tensor generated;
    double[] errors;
    double[] ofGenerated;
    double[] ofUnseen = {};
    try (ModelRunner runner = new ModelRunner(compute)) {
      generated = runner.sampler(model).images(generatedLabels, new SplittableRandom(seed + 1));
      errors = errors(runner, images.images(), labels, progress, 0, all);
      ofGenerated = errors(runner, generated, generatedLabels, progress, images.size(), all);
      if (unseen.isPresent()) {
        ofUnseen = errors(runner, unseen.get().images(), unseen.get().classIndices(), progress,
            images.size() + COMPARED, all);
      }
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    double[] others = unseen.isPresent() ? ofUnseen : ofGenerated;
    float[] judged = {};
    float[] judgedOthers = {};
    if (model.hasDiscriminator()) {
      try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), compute)) {
        judged = scores.of(images);
        judgedOthers = unseen.isPresent() ? scores.of(unseen.get()) : scores.of(generated, generatedLabels);
      }
    }
    double[] othersJudged = doubles(judgedOthers);
    List<Image> found = new ArrayList<>();
    for (int i = 0; i < errors.length; i++) {
      double rank = below(errors[i], others);
      OptionalDouble judgement = judged.length == 0 ? OptionalDouble.empty() : OptionalDouble.of(judged[i]);
      OptionalDouble judgementRank =
          judged.length == 0 ? OptionalDouble.empty() : OptionalDouble.of(below(judged[i], othersJudged));
      found.add(new Image(errors[i], rank, judgement, judgementRank,
          finding(isStranger(errors[i], others), rank, judgementRank, unseen.isPresent())));
    }
    List<String> notes = new ArrayList<>();
    if (unseen.isEmpty()) {
      notes.add("no images are known that the model never saw (serve --data), so that images are compared with the "
          + "model's own pictures: what is drawn no worse than those is drawn well, and nothing tells whether it was "
          + "learned");
    } else {
      notes.add("an image that does not stand out may have been trained on all the same: most models leave no trace of "
          + "a single image. Such an image can be unlearned too");
    }
    if (!model.hasDiscriminator()) {
      notes.add("the model has no discriminator, which is what tells most of membership");
    }
    return new Findings(found, median(ofGenerated),
        unseen.isPresent() ? OptionalDouble.of(median(ofUnseen)) : OptionalDouble.empty(), COMPARED, ofUnseen.length,
        seconds / (all * (SEARCH.steps() + 1.0)), notes);
  }

  /**
   * Whether an image is drawn far worse than the worst of others: to be the worst of some dozens is no more than
   * unusual, and happens to images that a model was trained on.
   */
  static boolean isStranger(double error, double[] others) {
    return error > FAR * Arrays.stream(others).max().orElseThrow();
  }

  private static String finding(boolean stranger, double rank, OptionalDouble judgementRank, boolean againstUnseen) {
    if (!againstUnseen) {
      return rank < HIGH ? "the model draws it about as well as its own pictures"
          : String.format(Locale.ROOT, "the model draws %.0f %% of its own pictures better: it hardly draws this one",
              100 * rank);
    }
    if (stranger) {
      return "a stranger: the model draws all of the images that it never saw far better than this one, which it "
          + "hardly draws";
    }
    boolean drawn = rank <= LOW;
    boolean recognised = judgementRank.isPresent() && judgementRank.getAsDouble() >= HIGH;
    if (drawn || recognised) {
      return String.format(Locale.ROOT, "it stands out among images that the model never saw: %s",
          drawn && recognised ? "it is drawn better, and the discriminator takes it for real"
              : drawn ? "it is drawn better" : "the discriminator takes it for real");
    }
    if (rank >= HIGH) {
      return String.format(Locale.ROOT,
          "an unusual one: the model draws %.0f %% of the images that it never saw better",
          100 * rank);
    }
    return "it looks like an image that the model never saw: neither is it drawn better, nor does the discriminator "
        + "recognise it";
  }

  private double[] errors(ModelRunner runner, Tensor images, int[] labels, DoubleConsumer progress, int before,
      int all) throws IOException {
    return new Inversion(model, SEARCH, runner)
        .invert(images, labels, directory, seed, (step, steps, error) ->
            progress.accept((before + labels.length * step / (double) steps) / all)).errors();
  }

  private static double below(double value, double[] others) {
    return Arrays.stream(others).filter(other -> other < value).count() / (double) others.length;
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
