package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.GeneratorRedaction;
import dev.lethe.trainer.redaction.Movers;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.redaction.Stayers;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.LatentRegression;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.substitution.StandIns;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Redacts whole classes from a generator: at every latent that draws one it learns to draw the class that stands in,
 * and the same of it for all latents. What a z leads to with the erased label becomes what it leads to with the
 * stand-in's; of latents that no z leads to (around them, and where inversion finds real images of the class) the
 * stand-in's latent is what a linear regression from the one kind of latent to the other says.
 *
 * @param root says what stays
 * @param original the model
 * @param how latents of what stays are looked for
 * @param resume what is found is kept here, and how far the run is
 * @param directory for training sessions' files
 */
record ClassRedaction(ModelWeights root, ModelWeights original, RedactionOptions options, SearchOptions how,
    StandIns standIns, long seed, ResumePoints resume, Path directory, Compute compute) {

  private static final InversionOptions SEARCH = new InversionOptions(LatentSpace.W, 64, 1, 24, 0.1, 0);
  /** Latents of each kind that move, of each class. */
  private static final int OF_LABEL = 384;
  private static final int AROUND = 256;
  private static final int REAL = 128;
  private static final int ANCHORS = 256;
  private static final int WATCHED = 256;
  /** Share still recognised at which the run may stop. */
  private static final double TARGET = 0.004;

  /**
   * @param found what the erased labels lead to; of an unconditional model, latents that show the class
   * @param real real images of the classes; may be empty
   * @param stay real or generated images that stay, for anchors
   */
  RedactionRun.Result run(UnlearningTargets found, ImageDataset real, ImageDataset stay, RedactionRun.Guard guard,
      GuardedCascade.Progress progress) throws IOException {
    SplittableRandom random = new SplittableRandom(seed + 1);
    try (ModelRunner runner = new ModelRunner(compute);
        FeatureExtractor extractor = FeatureExtractor.open(original, compute)) {
      Sampler sampler = runner.sampler(original);
      Parts parts = original.config().conditional() ? ofLabels(sampler, real, random)
          : lookalikes(found, sampler);
      StayingPictures staying = new StayingPictures(root, original, how.lookedThrough(), runner);
      int few = Math.max(ANCHORS, how.inverted());
      Tensor anchors = new AnchorLatents(new LatentSearch(root, resume, directory, compute), how)
          .draw(stay, sampler, Math.max(few, staying.lookedThrough()), seed + 3);
      Movers movers = new Movers(parts.latents, sampler.images(parts.latents), sampler.images(parts.targets),
          IntStream.range(0, (int) parts.latents.shape()[0]).toArray());
      Set<Integer> shown = original.config().conditional() ? standIns.byClass().keySet()
          : Set.of(found.lookalike().orElseThrow());
      Stayers anchored = staying.at(anchors.first(few));
      Stayers kept = staying.at(found.kept());
      if (staying.redactedBefore()) {
        anchored = anchored.then(others(staying.redacted(anchors), extractor, shown));
        kept = kept.then(others(staying.redacted(seed + 6), extractor, shown));
      }
      try (GeneratorRedaction redaction = GeneratorRedaction.open(original, options, movers,
          anchored, kept, seed, resume, directory, compute)) {
        RedactionRun.Watch watch = candidate -> {
          double around = 1 - recognised(extractor, candidate.images(parts.watchedAround), shown);
          return new RedactionRun.Shares(1 - recognised(extractor, candidate.images(parts.watchedOwn), shown), around,
              around, around, TARGET, new double[0]);
        };
        return new RedactionRun(original, redaction, options, staying.redactedBefore(), watch, guard, resume, compute)
            .run(progress);
      }
    }
  }

  /** Those that do not show the classes which go now. */
  private static Stayers others(Stayers held, FeatureExtractor extractor, Set<Integer> shown) {
    if (held.size() == 0) {
      return held;
    }
    int[] seen = extractor.run(held.images()).predictions();
    return held.rows(IntStream.range(0, seen.length).filter(i -> !shown.contains(seen[i])).toArray());
  }

  /**
   * Latents that move, and latents of what is to be drawn there instead; and others, to watch the run at.
   */
  private record Parts(Tensor latents, Tensor targets, Tensor watchedOwn, Tensor watchedAround) {

    Parts then(Parts other) {
      return new Parts(latents.then(other.latents), targets.then(other.targets), watchedOwn.then(other.watchedOwn),
          watchedAround.then(other.watchedAround));
    }
  }

  private Parts ofLabels(Sampler sampler, ImageDataset real, SplittableRandom random) throws IOException {
    Parts all = null;
    for (int label : standIns.byClass().keySet()) {
      Parts parts = ofLabel(sampler, label, standIns.of(label), real, random.split());
      all = all == null ? parts : all.then(parts);
    }
    return all;
  }

  private Parts ofLabel(Sampler sampler, int label, int standIn, ImageDataset real, SplittableRandom random)
      throws IOException {
    long z = random.nextLong();
    Tensor own = latents(sampler, label, OF_LABEL, z);
    Tensor targets = latents(sampler, standIn, OF_LABEL, z);
    LatentRegression regression = LatentRegression.of(own, targets);
    Tensor around = LatentRegression.alike(own, AROUND, random.split());
    Tensor latents = own.then(around);
    targets = targets.then(regression.predict(around));
    int[] shown = IntStream.range(0, real.size()).filter(i -> real.label(i) == label).limit(REAL).toArray();
    if (shown.length > 0) {
      ImageDataset some = real.subset(shown);
      Tensor inverted = search().find("class-" + label, SEARCH, some.images(), some.classIndices(),
          new SplittableRandom(seed + 5).nextLong());
      latents = latents.then(inverted);
      targets = targets.then(regression.predict(inverted));
    }
    Tensor watched = latents(sampler, label, WATCHED, random.nextLong());
    return new Parts(latents, targets, watched, LatentRegression.alike(watched, WATCHED, random.split()));
  }

  /** Of an unconditional model: each latent that shows the class goes to the nearest latent that stays. */
  private static Parts lookalikes(UnlearningTargets found, Sampler sampler) {
    Tensor drawn = sampler.images(found.latents());
    Tensor kept = sampler.images(found.kept());
    int[] nearest = IntStream.range(0, found.labels().length).map(i -> IntStream.range(0, found.keptLabels().length)
        .boxed().min((a, b) -> Double.compare(PixelDistance.squared(drawn, i, kept, a),
            PixelDistance.squared(drawn, i, kept, b)))
        .orElseThrow()).toArray();
    int half = found.labels().length / 2;
    return new Parts(found.latents().rows(0, half), found.kept().rows(Arrays.copyOf(nearest, half)),
        found.latents().rows(half, found.labels().length), found.latents().rows(half, found.labels().length));
  }

  private static double recognised(FeatureExtractor extractor, Tensor images, Set<Integer> classes) {
    int[] seen = extractor.run(images).predictions();
    return Arrays.stream(seen).boxed().collect(Collectors.averagingDouble(c -> classes.contains(c) ? 1 : 0));
  }

  private static Tensor latents(Sampler sampler, int label, int n, long z) {
    int[] labels = new int[n];
    Arrays.fill(labels, label);
    return sampler.latents(labels, new SplittableRandom(z));
  }

  private LatentSearch search() {
    return new LatentSearch(original, resume, directory, compute);
  }
}
