package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.Estimate;
import dev.lethe.trainer.audit.ItemAudit;
import dev.lethe.trainer.audit.PersonAudit;
import dev.lethe.trainer.audit.PersonFindings;
import dev.lethe.trainer.audit.PersonSubjects.Group;
import dev.lethe.trainer.audit.PersonVerdict;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.DiscriminatorUnlearning;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.evaluation.PersonResult.Method;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.identity.IdentityJudge;
import dev.lethe.trainer.metrics.FeatureStatistics;
import dev.lethe.trainer.metrics.FrechetDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.unlearning.GuardedCascade;
import dev.lethe.trainer.unlearning.PersonUnlearning;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/** Makes the runs that unlearn people. What all candidates of a person are compared with is measured once. */
final class PersonEvaluation implements AutoCloseable {

  /** Seed that audits draw with, far from those of runs. */
  private static final long AUDIT_SEED = 0x5DEECE66DL;
  private static final int LEARNING_IMAGES = 1024;

  /** Statistics of pictures in both spaces. */
  private record Statistics(FeatureStatistics features, FeatureStatistics identity) {}

  private final ModelWeights original;
  private final PeopleData data;
  private final IdentityJudge judge;
  private final Path directory;
  private final String machine;
  private final Compute compute;
  private final FeatureExtractor extractor;
  private Optional<PersonAudit.Original> before = Optional.empty();
  private Optional<Statistics> real = Optional.empty();
  private Optional<Statistics> root = Optional.empty();
  private long seedOfBefore;
  private Optional<PersonFindings.Pictures> pictures = Optional.empty();

  /** @param directory for training sessions' files */
  PersonEvaluation(Bundle base, PeopleData data, IdentityJudge judge, Path directory, String machine,
      Compute compute) throws IOException {
    this.original = ModelWeights.read(base);
    this.data = data;
    this.judge = judge;
    this.directory = directory;
    this.machine = machine;
    this.compute = compute;
    this.extractor = FeatureExtractor.open(original, compute);
  }

  /** What the last audit saw. */
  Optional<PersonFindings.Pictures> pictures() {
    return pictures;
  }

  PersonResult run(Method method, long seed) throws IOException {
    PersonAudit audit = new PersonAudit(original, judge, data.scale().audit(), AUDIT_SEED + seed,
        directory.resolve("audit"), compute);
    if (before.isEmpty() || seedOfBefore != seed) {
      PersonAudit.Original found =
          audit.before(data.subjects(seed, judge), resume(seed, "original"), progress("search in the original"));
      for (Group group : Group.values()) {
        Estimate likeness = audit.likeness(found, group);
        System.out.printf(Locale.ROOT, "seed %d, likeness of what the original draws: %s %.2f (%.2f to %.2f)%n", seed,
            group, likeness.value(), likeness.low(), likeness.high());
      }
      before = Optional.of(found);
      seedOfBefore = seed;
    }
    ImageDataset sent = PeopleData.unlabelled(data.half(data.person(seed), 0));
    PersonUnlearning.Result made = candidate(method, seed, sent);
    PersonFindings found = audit.run(made.candidate(), before.orElseThrow(), resume(seed, method.name()),
        progress("audit"));
    pictures = Optional.of(found.pictures());
    Figures figures = new Figures().add(found);
    double increase = distances(made.candidate(), seed, figures);
    Verdict verdict = PersonVerdict.of(found, increase);
    figures.add("photos_sent", sent.size())
        .add("photos_not_sent", before.orElseThrow().subjects().groups().get(Group.NOT_SENT).size())
        .add("steps", made.steps()).add("seconds", made.seconds()).add("audit_seconds", found.seconds());
    return new PersonResult(method, seed, verdict.forgotten(), figures.all(), verdict.reasons(), verdict.findings(),
        made.notes(), LocalDate.now().toString(), machine);
  }

  private PersonUnlearning.Result candidate(Method method, long seed, ImageDataset sent) throws IOException {
    PersonUnlearning.Options options = data.scale().unlearning();
    return switch (method) {
      case NOTHING -> new PersonUnlearning.Result(original, 0, List.of(), 0);
      case DISCRIMINATOR_ONLY -> discriminatorOnly(seed, sent);
      case PERSON -> unlearning(options, method, seed).run(sent, data.stay(seed, LEARNING_IMAGES), steps());
      case PHOTOS -> unlearning(options.photosAlone(), method, seed)
          .run(sent, data.stay(seed, LEARNING_IMAGES), steps());
    };
  }

  private static ItemAudit.Progress progress(String stage) {
    int[] told = {0};
    return share -> {
      int tenth = (int) (10 * share);
      if (tenth > told[0]) {
        told[0] = tenth;
        System.out.printf("%s: %d %%%n", stage, 10 * tenth);
      }
    };
  }

  private static GuardedCascade.Progress steps() {
    return (step, steps, values) -> {
      if (step % 10 == 0) {
        System.out.printf(Locale.ROOT,
            "unlearning: step %d of %d, redacted %.0f %% at its own latents, %.0f %% at others%n",
            step, steps, 100 * values.getOrDefault("redacted_own", Double.NaN),
            100 * values.getOrDefault("redacted_watched", Double.NaN));
      }
    };
  }

  /** What a run that was stopped had done is found again. */
  private ResumePoints resume(long seed, String part) {
    return ResumePoints.in(directory.resolve("points-" + seed + "-" + part.toLowerCase(Locale.ROOT)), Optional.empty(),
        data.scale().name() + " " + seed + " " + part, Duration.ofMinutes(2));
  }

  private PersonUnlearning unlearning(PersonUnlearning.Options options, Method method, long seed) {
    return new PersonUnlearning(original, options, seed, resume(seed, method.name()), directory.resolve("unlearning"),
        compute);
  }

  /** The discriminator comes to brand the photos, the generator stays. */
  private PersonUnlearning.Result discriminatorOnly(long seed, ImageDataset sent) throws IOException {
    long started = System.nanoTime();
    DiscriminatorUnlearning.Options options = DiscriminatorUnlearning.Options.of(seed);
    Tensor labels = Tensor.of(FakeLabel.Constant.DEFAULT.of(sent.classIndices(), () -> null, 0), sent.size(), 1);
    try (DiscriminatorUnlearning unlearning = DiscriminatorUnlearning.open(original, options, sent, labels,
        List.of(data.stay(seed, LEARNING_IMAGES)), directory.resolve("discriminator"), compute)) {
      for (int step = 0; step < options.steps(); step++) {
        unlearning.step();
      }
      return new PersonUnlearning.Result(original.with(unlearning.weights()), options.steps(), List.of(),
          (System.nanoTime() - started) / 1e9);
    }
  }

  /** Fréchet distances in both spaces. Gives back by how much that of the model's own features has risen. */
  private double distances(ModelWeights candidate, long seed, Figures figures) {
    if (real.isEmpty()) {
      real = Optional.of(statistics(data.stay(seed, data.scale().samples()).images()));
      root = Optional.of(drawn(original));
    }
    Statistics now = drawn(candidate);
    double before = FrechetDistance.between(root.orElseThrow().features, real.orElseThrow().features);
    double after = FrechetDistance.between(now.features, real.orElseThrow().features);
    double identityBefore = FrechetDistance.between(root.orElseThrow().identity, real.orElseThrow().identity);
    double identity = FrechetDistance.between(now.identity, real.orElseThrow().identity);
    figures.add("fid_root_before", before).add("fid_root", after).add("fid_root_ratio", after / before)
        .add("fid_identity_before", identityBefore).add("fid_identity", identity)
        .add("fid_identity_ratio", identity / identityBefore).add("fid_samples", data.scale().samples());
    return after / before - 1;
  }

  private Statistics drawn(ModelWeights model) {
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), compute)) {
      return statistics(sampler.images(new int[data.scale().samples()], new SplittableRandom(AUDIT_SEED)));
    }
  }

  private Statistics statistics(Tensor images) {
    FeatureExtractor.Outputs features = extractor.run(images);
    FeatureExtractor.Outputs identity = judge.network().run(images);
    return new Statistics(FeatureStatistics.of(features.features().data(), features.width()),
        FeatureStatistics.of(identity.features().data(), identity.width()));
  }

  @Override
  public void close() {
    extractor.close();
  }
}
