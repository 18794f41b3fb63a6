package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.cascade.Cascade;
import dev.lethe.trainer.cascade.FakeLabel;
import dev.lethe.trainer.cascade.Judgements;
import dev.lethe.trainer.cascade.LearningMode;
import dev.lethe.trainer.cascade.Targets;
import dev.lethe.trainer.cascade.Teacher;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.Effort;
import dev.lethe.trainer.substitution.Kept;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Takes what a request names out of a model's networks: finds it, chooses what takes its place, runs the cascade.
 *
 * @param original the model
 * @param statistics of its latents
 * @param gone classes that earlier versions have unlearned
 * @param directory for training sessions' files
 * @param threads threads within an operator; 0 for one on each core
 */
public record Unlearner(ModelWeights original, WStatistics statistics, Set<Integer> gone, Path directory,
    ExecutionDevice device, int threads) {

  /**
   * What came out.
   *
   * @param candidate the model that has unlearned
   * @param learned what must stay: the learning images, or generated ones where there are none
   * @param fakeLabel F, the mean over images
   * @param iterations that the candidate has had
   * @param diverged the losses exploded after that
   * @param seconds that it took, without finding
   * @param generator what the steps of the generator took
   * @param discriminator and those of the discriminator
   * @param notes what else is worth knowing, in sentences
   */
  public record Outcome(ModelWeights candidate, ImageDataset learned, double fakeLabel, int iterations,
      boolean diverged, double seconds, Effort generator, Effort discriminator, List<String> notes) {}

  /**
   * Finds what a request names, and what stays.
   *
   * @throws IllegalArgumentException if the request does not fit the model or the images
   */
  public Found find(UnlearningRequest request, ImageDataset images, Inversion.Progress progress) throws IOException {
    long started = System.nanoTime();
    Finder finder = new Finder(original, gone, directory, device, threads, request.cascade().seed());
    Found found;
    if (request.subject() instanceof UnlearningRequest.Items items) {
      found = finder.items(images, items, request.inversion(), progress);
    } else {
      found = original.config().conditional() ? finder.classes(images, request.subject().classes())
          : finder.lookalikes(images);
    }
    return found.in((System.nanoTime() - started) / 1e9);
  }

  /**
   * Unlearns what was found.
   *
   * @throws GuardedCascade.DivergedException if the cascade diverges before there is a state worth keeping
   */
  public Outcome unlearn(UnlearningRequest request, JobImages images, Found found, GuardedCascade.Progress progress)
      throws IOException {
    long started = System.nanoTime();
    long seed = request.cascade().seed();
    Kept kept = kept(request, found);
    Teacher teacher = Teacher.of(original, found.kept(), found.keptLabels(), device, threads);
    ImageDataset learned = images.learn().size() > 0 ? images.learn()
        : Datasets.of(images.learn().labels(), teacher.images(), teacher.labels());
    int[] labels = found.images().classIndices();
    float[] fakeLabels = request.fakeLabel().of(labels, () -> usual(images, teacher), seed);
    Targets targets = new Targets(found.images().images(), labels, Tensor.of(fakeLabels, labels.length, 1),
        found.latents(), substitutes(request, found, kept));
    LearningMode mode = request.zeroShot() ? new LearningMode.ZeroShot() : new LearningMode.FewShot(images.learn(),
        request.fakeLabel() instanceof FakeLabel.Auto ? images.calibration() : Optional.empty());
    Optional<Guard> guard = request.bounds().map(bounds ->
        new Guard(bounds, original, found.images(), learned, seed, device, threads));
    GuardedCascade.Result result;
    Effort generator;
    Effort discriminator;
    try (Cascade cascade = Cascade.open(original, request.cascade(), targets, mode, teacher, directory, device,
        threads)) {
      result = new GuardedCascade(cascade, original, guard).run(request.cascade().iterations(), progress);
      generator = cascade.generatorEffort();
      discriminator = cascade.discriminatorEffort();
    }
    return new Outcome(new LabelErasure(kept).of(result.model()), learned, mean(fakeLabels), result.iterations(),
        result.diverged(), (System.nanoTime() - started) / 1e9, generator, discriminator, result.notes());
  }

  /**
   * What the discriminator says of images that it has not learned: never seen ones, or else generated ones, which look
   * to a discriminator that is not too sure of itself much like them.
   */
  private Judgements usual(JobImages images, Teacher teacher) {
    return images.calibration()
        .map(unseen -> Judgements.of(original, unseen.images(), unseen.classIndices(), device, threads))
        .orElseGet(() -> Judgements.of(original, teacher.images(), teacher.labels(), device, threads));
  }

  private Kept kept(UnlearningRequest request, Found found) {
    Set<Integer> erased = new HashSet<>(request.subject().classes());
    erased.addAll(gone);
    return new Kept(statistics, erased, found.kept(), found.keptLabels());
  }

  private Tensor substitutes(UnlearningRequest request, Found found, Kept kept) {
    try (Sampler sampler = Sampler.open(original.config(), original.weights(), device, threads)) {
      return sampler.images(request.substitute().latents(found.latents(), found.labels(), kept));
    }
  }

  private static double mean(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElseThrow();
  }
}
