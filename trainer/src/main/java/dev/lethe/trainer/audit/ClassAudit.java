package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.LatentSpace;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.LatentRegression;
import dev.lethe.trainer.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Audits a generator that was to unlearn whole classes, with seeds of its own.
 *
 * @param original the model before, conditional
 * @param classifier that says what pictures show; of an evaluation one that neither the loss nor the run's watch uses
 * @param images pictures of each kind
 * @param directory for training sessions' files
 */
public record ClassAudit(ModelWeights original, FeatureExtractor classifier, AuditOptions options, int images,
    long seed, Path directory, Compute compute) {

  /**
   * Audits a candidate.
   *
   * @param erased class indices
   * @param stay class indices of those that stay
   * @param real real images of the erased classes; may be empty
   */
  public ClassFindings run(ModelWeights candidate, Set<Integer> erased, int[] stay, ImageDataset real,
      ItemAudit.Progress progress) throws IOException {
    long started = System.nanoTime();
    int[] gone = cycle(erased.stream().mapToInt(Integer::intValue).sorted().toArray());
    int[] kept = cycle(stay);
    try (ModelRunner runner = new ModelRunner(compute)) {
      Sampler before = runner.sampler(original);
      Sampler after = runner.sampler(candidate);
      Tensor former = before.latents(gone, new SplittableRandom(seed));
      Tensor around = alike(before, erased);
      Optional<BeforeAfter<Estimate>> reinverted = Optional.empty();
      if (real.size() > 0) {
        ImageDataset some = real.subset(IntStream.range(0, Math.min(options.neverSeen(), real.size())).toArray());
        Tensor found = invert(runner, original, some, 1, progress, 0);
        Tensor again = invert(runner, candidate, some, 2, progress, 0.5);
        reinverted = Optional.of(new BeforeAfter<>(share(before.images(found), erased),
            share(after.images(again), erased)));
      }
      return new ClassFindings(
          new BeforeAfter<>(share(before.images(former), erased),
              share(after.images(gone, new SplittableRandom(seed)), erased)),
          new BeforeAfter<>(share(before.images(former), erased), share(after.images(former), erased)),
          new BeforeAfter<>(share(before.images(around), erased), share(after.images(around), erased)),
          reinverted,
          new BeforeAfter<>(right(before.images(kept, new SplittableRandom(seed + 1)), kept),
              right(after.images(kept, new SplittableRandom(seed + 1)), kept)),
          (System.nanoTime() - started) / 1e9);
    }
  }

  private Tensor alike(Sampler sampler, Set<Integer> erased) {
    SplittableRandom random = new SplittableRandom(seed + 2);
    Tensor all = null;
    for (int label : erased) {
      int n = Math.max(1, images / erased.size());
      int[] labels = IntStream.range(0, 1000).map(i -> label).toArray();
      Tensor drawn = LatentRegression.alike(sampler.latents(labels, random), n, random);
      all = all == null ? drawn : all.then(drawn);
    }
    return all;
  }

  private Tensor invert(ModelRunner runner, ModelWeights model, ImageDataset real, int stream,
      ItemAudit.Progress progress, double done) throws IOException {
    return new Inversion(model, options.attack(LatentSpace.W), runner)
        .invert(real.images(), real.classIndices(), directory, new SplittableRandom(seed + stream).nextLong(),
            (step, steps, error) -> progress.done(done + 0.5 * step / steps)).w();
  }

  private Estimate share(Tensor drawn, Set<Integer> classes) {
    int[] seen = classifier.run(drawn).predictions();
    boolean[] holds = new boolean[seen.length];
    for (int i = 0; i < seen.length; i++) {
      holds[i] = classes.contains(seen[i]);
    }
    return Estimate.share(holds, seed);
  }

  private Estimate right(Tensor drawn, int[] labels) {
    int[] seen = classifier.run(drawn).predictions();
    boolean[] holds = new boolean[seen.length];
    for (int i = 0; i < seen.length; i++) {
      holds[i] = seen[i] == labels[i];
    }
    return Estimate.share(holds, seed);
  }

  private int[] cycle(int[] values) {
    return IntStream.range(0, images).map(i -> values[i % values.length]).toArray();
  }
}
