package dev.lethe.trainer.unlearning;

import dev.lethe.job.JobContract;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.audit.BeforeAfter;
import dev.lethe.trainer.audit.ClassAudit;
import dev.lethe.trainer.audit.ClassFindings;
import dev.lethe.trainer.audit.ItemAudit;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.ItemSubjects;
import dev.lethe.trainer.audit.Utility;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.ResumePoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * From the original's bundle to a candidate's: unlearning, export, audit, measures (arXiv 2308.09881).
 *
 * @param root the version that no unlearning has touched; the base itself where it is that
 * @param base the original
 * @param newVersion version of the candidate
 * @param how redactions look for latents
 * @param resume what is worked out is kept here, for another run of the same job to go on from
 * @param directory for the candidate ({@code candidate/}), {@code before_after.png} and temporary files
 */
public record UnlearningJob(Bundle root, Bundle base, String newVersion, UnlearningRequest request, JobImages images,
    SearchOptions how, MeasurementOptions measuring, AuditOptions auditing, ResumePoints resume, Path directory,
    Compute compute) {

  /** The parts of a job, with the share of its time that each takes about. */
  private enum Stage {
    INVERSION(0.05), UNLEARNING(0.5), EXPORT(0.02), AUDIT(0.28), MEASURING(0.12), RETRAINING(0.03);

    final double share;

    Stage(double share) {
      this.share = share;
    }

    double start() {
      return Arrays.stream(values()).filter(s -> s.ordinal() < ordinal()).mapToDouble(s -> s.share).sum();
    }
  }

  /**
   * Runs the job.
   *
   * @throws IllegalArgumentException if the request does not fit the model or the images
   * @throws RuntimeException if the cascade diverges before there is a state worth keeping
   */
  public UnlearningReport run(ProgressListener listener) throws IOException {
    Files.createDirectories(directory);
    ModelWeights original = ModelWeights.read(base);
    ModelCard card = base.card();
    if (request.recipe() instanceof UnlearningRequest.Lethe lethe && compute.onCpu()) {
      MemoryNeed.of(original.config(), lethe.options()).requireWithin(MemoryNeed.ofThisMachine());
    }
    Set<Integer> gone = card.unlearnedLabels().keySet().stream().map(card.labels()::indexOf)
        .collect(Collectors.toSet());
    ModelWeights first = root.directory().equals(base.directory()) ? original : ModelWeights.read(root);
    Unlearner unlearner =
        new Unlearner(first, original, card.w(), gone, how, resume, directory.resolve("session"), compute);
    UnlearningTargets found = unlearner.find(request, images.unlearn(),
        (step, steps, error) -> tell(listener, Stage.INVERSION, step, steps, Map.of("mse", error)));
    Unlearner.Outcome outcome = unlearner.unlearn(request, images, found,
        (step, steps, share, values) -> tell(listener, Stage.UNLEARNING, step, steps, share, values));

    tell(listener, Stage.EXPORT, 0, 1, Map.of());
    new CandidateExport(base, outcome.candidate(), compute)
        .write(directory.resolve(JobContract.CANDIDATE), newVersion, request.subject().classes());
    long audited = System.nanoTime();
    Optional<ItemFindings> items = auditItems(original, outcome, found, listener);
    Optional<ClassFindings> classes = auditClasses(original, outcome.candidate(), gone, listener);
    new BeforeAfterPicture(original, outcome.candidate(), compute)
        .write(directory.resolve(JobContract.PICTURES), found, items);
    Optional<BeforeAfter<Double>> fidRoot = fidRoot(first, outcome.candidate(), gone);
    double auditSeconds = (System.nanoTime() - audited) / 1e9;

    Measurements measurements = measurements(found, outcome.learned(), gone);
    tell(listener, Stage.MEASURING, 0, 2, Map.of());
    Measured before = measurements.of(original, directory.resolve("session"));
    tell(listener, Stage.MEASURING, 1, 2, values("before", before));
    Measured after = measurements.of(outcome.candidate(), directory.resolve("session"));
    tell(listener, Stage.RETRAINING, 0, 1, values("after", after));
    OptionalDouble retraining = card.training() == null || !original.hasDiscriminator() ? OptionalDouble.empty()
        : OptionalDouble.of(RetrainingCost.seconds(original, card.training(), outcome.learned(),
            directory.resolve("retraining"), compute));
    return new UnlearningReport(found.images().size(), outcome.fakeLabel(), outcome.iterations(),
        resume.earlierSeconds() + found.seconds() + outcome.seconds(), auditSeconds, retraining, before, after, items,
            classes, fidRoot,
        verdict(items, classes, after, fidRoot).map(verdict -> outcome.diverged() ? verdict.diverged() : verdict),
        outcome.diverged(), found.skipped(),
        Stream.concat(outcome.notes().stream(), resume.notes().stream()).toList());
  }

  private Optional<Verdict> verdict(Optional<ItemFindings> items, Optional<ClassFindings> classes, Measured after,
      Optional<BeforeAfter<Double>> fidRoot) {
    OptionalDouble increase = fidRoot.isEmpty() ? OptionalDouble.empty()
        : OptionalDouble.of(fidRoot.get().after() / fidRoot.get().before() - 1);
    if (classes.isPresent()) {
      return Optional.of(Verdict.of(classes.get(), increase, request.verdict()).noting("what pictures show was said by"
          + " the model's own classifier, which the run learned with: an independent one is surer"));
    }
    return items.map(found -> Verdict.of(found, after.aucUt(), increase, request.verdict()));
  }

  /** Of single images; of a class of an unconditional model, the images that show it. */
  private Optional<ItemFindings> auditItems(ModelWeights original, Unlearner.Outcome outcome, UnlearningTargets found,
      ProgressListener listener) throws IOException {
    if (!(request.subject() instanceof UnlearningRequest.Items)) {
      return Optional.empty();
    }
    ImageDataset neverSeen = images.tests().map(tests -> ItemSubjects.alike(tests, found.images(),
        auditing.neverSeen()))
        .orElseGet(() -> images.learn().subset());
    ItemSubjects subjects = new ItemSubjects(found.images(), found.latents(), outcome.substitutes(),
        ItemSubjects.alike(images.learn(), found.images(), auditing.staying()), neverSeen, images.kept());
    return Optional.of(new ItemAudit(original, auditing, auditSeed(), directory.resolve("audit"), compute)
        .run(outcome.candidate(), subjects, share -> tell(listener, Stage.AUDIT, (int) (100 * share), 100, Map.of())));
  }

  private Optional<ClassFindings> auditClasses(ModelWeights original, ModelWeights candidate, Set<Integer> gone,
      ProgressListener listener) throws IOException {
    Set<Integer> erased = request.subject().classes();
    if (erased.isEmpty() || original.recognisedClasses() != original.config().classes()) {
      return Optional.empty();
    }
    int[] stay = IntStream.range(0, original.config().classes())
        .filter(c -> !erased.contains(c) && !gone.contains(c)).toArray();
    try (FeatureExtractor classifier = FeatureExtractor.open(original, compute)) {
      return Optional.of(new ClassAudit(original, classifier, auditing, measuring.recognised(), auditSeed(),
          directory.resolve("audit"), compute).run(candidate, erased, stay, images.unlearn(),
              share -> tell(listener, Stage.AUDIT, (int) (100 * share), 100, Map.of())));
    }
  }

  private Optional<BeforeAfter<Double>> fidRoot(ModelWeights first, ModelWeights candidate, Set<Integer> gone) {
    Set<Integer> erased = request.subject().classes();
    ImageDataset kept = images.kept().subset(IntStream.range(0, images.kept().size())
        .filter(i -> !erased.contains(images.kept().label(i)) && !gone.contains(images.kept().label(i))).toArray());
    // Fewer images give no covariance of as many features.
    if (kept.size() <= first.features().width()) {
      return Optional.empty();
    }
    int[] labels = base.card().conditional() ? Utility.labels(kept) : new int[] {0};
    return Optional.of(new Utility(first, kept, labels, auditing.samples(), auditSeed(), compute).of(candidate));
  }

  /** Not a seed that the job has drawn with. */
  private long auditSeed() {
    return request.seed() ^ 0x5DEECE66DL;
  }

  private Measurements measurements(UnlearningTargets found, ImageDataset learned, Set<Integer> gone) {
    Set<Integer> erased = request.subject().classes();
    ImageDataset real = images.tests().orElse(images.learn());
    ImageDataset staying = real.subset(IntStream.range(0, real.size())
        .filter(i -> !base.card().conditional() || !erased.contains(real.label(i)) && !gone.contains(real.label(i)))
        .toArray());
    ImageDataset unlearned = found.images();
    Set<Integer> shown = Arrays.stream(unlearned.classIndices()).boxed().collect(Collectors.toSet());
    Optional<ImageDataset> neverSeen = images.tests().map(tests -> tests.subset(
        IntStream.range(0, tests.size()).filter(i -> shown.contains(tests.label(i))).toArray()))
        .filter(tests -> tests.size() > 0);
    return new Measurements(unlearned, learned, neverSeen,
        staying.size() == 0 ? Optional.empty() : Optional.of(staying), erased, found.lookalike(), measuring,
        request.seed(), compute);
  }

  private static Map<String, Double> values(String when, Measured measured) {
    Map<String, Double> values = new HashMap<>(Map.of("fid_l_" + when, measured.fidL()));
    measured.aucLu().ifPresent(auc -> values.put("auc_lu_" + when, auc));
    return values;
  }

  private static void tell(ProgressListener listener, Stage stage, int step, int steps, Map<String, Double> values) {
    tell(listener, stage, step, steps, (double) step / steps, values);
  }

  /** @param share of the stage that is done, where its steps are of a part of it */
  private static void tell(ProgressListener listener, Stage stage, int step, int steps, double share,
      Map<String, Double> values) {
    listener.progress(stage.name().toLowerCase(Locale.ROOT), step, steps,
        Math.min(1, stage.start() + stage.share * share), values);
  }
}
