package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.Point;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.ComputeCost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Finds in a model what is to be unlearned, and what stays.
 *
 * @param gone classes that earlier versions have unlearned, which stay gone
 * @param resume what inversion finds is kept here
 * @param directory for a training session's files
 */
record Finder(ModelWeights model, Set<Integer> gone, ResumePoints resume, Path directory, Compute compute, long seed) {

  /** Generated images that stay, which the teacher is made of. */
  private static final int KEPT = 1024;
  /** Fewest of them, of large images, and the values of all of them at most, above that: 256 MiB. */
  private static final int FEWEST_KEPT = 64;
  private static final int KEPT_VALUES = 1 << 26;
  /** Generated images of a class to unlearn. */
  private static final int OF_CLASSES = 512;
  /** Images of an unconditional model that are looked through for those of a class. */
  private static final int LOOKED_THROUGH = 8192;
  /** Fewest generated images of a class to unlearn, below which the model hardly knows it. */
  private static final int FEWEST = 16;

  /** Single images: their latents by inversion, each found on its own. */
  UnlearningTargets items(ImageDataset images, UnlearningRequest.Items items, InversionOptions how,
      Inversion.Progress progress)
      throws IOException {
    Inversion inversion = new Inversion(model, how, compute);
    Inversion.Result inverted = resume.once("inversion", Finder::read, Finder::point,
        () -> inversion.invert(images.images(), images.classIndices(), directory, seed, progress));
    double limit = items.maxInversionError().orElse(Double.POSITIVE_INFINITY);
    List<Integer> above = IntStream.range(0, images.size()).filter(i -> inverted.errors()[i] > limit).boxed().toList();
    if (!above.isEmpty() && !items.skip()) {
      throw new IllegalArgumentException("the model cannot draw images " + above.stream().map(items::name).toList()
          + ": their inversion errors are "
          + above.stream().map(i -> String.format(Locale.ROOT, "%.4f", inverted.errors()[i])).toList() + ", above "
          + "max_inversion_error " + limit + "; leave them out, raise the limit, or let bad_images be SKIP");
    }
    if (above.size() == images.size()) {
      throw new IllegalArgumentException("the model cannot draw any of the images within max_inversion_error " + limit
          + "; there is nothing of them in the generator to unlearn");
    }
    int[] left = IntStream.range(0, images.size()).filter(i -> !above.contains(i)).toArray();
    ImageDataset found = images.subset(left);
    double error = Arrays.stream(left).mapToDouble(i -> inverted.errors()[i]).average().orElseThrow();
    int[] keptLabels = kept(Set.of());
    try (Sampler sampler = sampler()) {
      return new UnlearningTargets(found, inverted.w().rows(left), found.classIndices(), OptionalDouble.of(error),
          above,
          sampler.latents(keptLabels, random()), keptLabels, OptionalInt.empty(), inverted.cost(), 0);
    }
  }

  private static Point point(Inversion.Result inverted) {
    Map<String, Double> numbers = new HashMap<>(JobPoints.cost(inverted.cost()));
    numbers.put("images", (double) inverted.errors().length);
    for (int i = 0; i < inverted.errors().length; i++) {
      numbers.put("error" + i, inverted.errors()[i]);
    }
    return new Point(Map.of("w", inverted.w()), numbers, List.of(), new byte[0]);
  }

  private static Inversion.Result read(Point point) throws IOException {
    double[] errors = new double[(int) point.number("images")];
    for (int i = 0; i < errors.length; i++) {
      errors[i] = point.number("error" + i);
    }
    return new Inversion.Result(point.tensor("w"), errors, JobPoints.cost(point));
  }

  /**
   * Classes of a conditional model: what the generator makes of their labels.
   *
   * @param images of these classes; may be empty
   */
  UnlearningTargets classes(ImageDataset images, Set<Integer> erased) {
    int[] go = erased.stream().mapToInt(Integer::intValue).sorted().toArray();
    int[] labels = IntStream.range(0, OF_CLASSES).map(i -> go[i % go.length]).toArray();
    int[] keptLabels = kept(erased);
    try (Sampler sampler = sampler()) {
      SplittableRandom random = random();
      Tensor latents = sampler.latents(labels, random);
      Tensor kept = sampler.latents(keptLabels, random);
      ImageDataset shown = images.size() > 0 ? images : Datasets.of(images.labels(), sampler.images(latents), labels);
      return new UnlearningTargets(shown, latents, labels, OptionalDouble.empty(), List.of(), kept, keptLabels,
          OptionalInt.empty(), ComputeCost.NONE, 0);
    }
  }

  /**
   * A class of an unconditional model: what the generator makes that the feature network takes for what it takes most
   * of the images for.
   *
   * @param images of the class
   */
  UnlearningTargets lookalikes(ImageDataset images) {
    try (Sampler sampler = sampler();
        FeatureExtractor extractor = FeatureExtractor.open(model, compute)) {
      int shown = mostFrequent(extractor.run(images).predictions());
      Tensor latents = sampler.latents(new int[LOOKED_THROUGH], random());
      int[] seen = extractor.run(sampler.images(latents)).predictions();
      int[] same = IntStream.range(0, seen.length).filter(i -> seen[i] == shown).limit(OF_CLASSES).toArray();
      int[] others = IntStream.range(0, seen.length).filter(i -> seen[i] != shown).limit(KEPT).toArray();
      if (same.length < FEWEST || others.length < FEWEST) {
        throw new IllegalArgumentException("of " + LOOKED_THROUGH + " images that the model made, the feature network "
            + "takes " + same.length + " for what the images to unlearn show, and " + others.length + " or more for "
            + "something else; class unlearning needs at least " + FEWEST + " of each");
      }
      return new UnlearningTargets(images, latents.rows(same), new int[same.length], OptionalDouble.empty(), List.of(),
          latents.rows(others), new int[others.length], OptionalInt.of(shown), ComputeCost.NONE, 0);
    }
  }

  /** Classes of the images that stay, as many of each. */
  private int[] kept(Set<Integer> erased) {
    int[] stay = IntStream.range(0, Math.max(1, model.config().classes()))
        .filter(c -> !erased.contains(c) && !gone.contains(c)).toArray();
    if (stay.length == 0) {
      throw new IllegalArgumentException("no class stays");
    }
    int imageSize = model.config().channels() * model.config().resolution() * model.config().resolution();
    int n = Math.max(FEWEST_KEPT, Math.min(KEPT, KEPT_VALUES / imageSize));
    return IntStream.range(0, n).map(i -> stay[i % stay.length]).toArray();
  }

  // Not the draws that measurements are made with, which start from the seed itself.
  private SplittableRandom random() {
    return new SplittableRandom(seed).split();
  }

  private static int mostFrequent(int[] values) {
    int[] counts = new int[Arrays.stream(values).max().orElseThrow() + 1];
    for (int value : values) {
      counts[value]++;
    }
    return IntStream.range(0, counts.length).reduce((a, b) -> counts[b] > counts[a] ? b : a).orElseThrow();
  }

  private Sampler sampler() {
    return Sampler.open(model.config(), model.weights(), compute);
  }
}
