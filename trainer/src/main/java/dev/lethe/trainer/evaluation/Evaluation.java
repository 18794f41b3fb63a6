package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.audit.AuditOptions;
import dev.lethe.trainer.audit.ClassAudit;
import dev.lethe.trainer.audit.ClassFindings;
import dev.lethe.trainer.audit.ItemAudit;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.audit.ItemSubjects;
import dev.lethe.trainer.audit.Utility;
import dev.lethe.trainer.audit.UtilityFindings;
import dev.lethe.trainer.audit.Verdict;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.discriminator.DiscriminatorUnlearning;
import dev.lethe.trainer.discriminator.FakeLabel;
import dev.lethe.trainer.evaluation.Experiment.Base;
import dev.lethe.trainer.evaluation.Experiment.Method;
import dev.lethe.trainer.evaluation.Experiment.SubstituteChoice;
import dev.lethe.trainer.features.FeatureExtractor;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.metrics.RocAuc;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.redaction.RedactionOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.substitution.AverageSubstitute;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import dev.lethe.trainer.substitution.Substitute;
import dev.lethe.trainer.substitution.TruncationSubstitute;
import dev.lethe.trainer.unlearning.JobImages;
import dev.lethe.trainer.unlearning.RetrainingCost;
import dev.lethe.trainer.unlearning.Unlearner;
import dev.lethe.trainer.unlearning.UnlearningRequest;
import dev.lethe.trainer.unlearning.UnlearningTargets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;

/** Makes the runs of an evaluation. */
final class Evaluation {

  /** Fine-tuning takes about as long as unlearning 64 images does. */
  private static final double FINE_TUNING_KIMG = 2;
  /** Seeds that audits draw with, far from those of runs. */
  private static final long AUDIT_SEED = 0x5DEECE66DL;
  /** Pictures of a class that a classifier looks at. */
  private static final int PICTURES = 2000;

  /**
   * Bundles by their part in it.
   *
   * @param canaries the base that memorises
   * @param references the same continuation of training without the canaries, one for each seed
   * @param retrained the base's recipe without the first 64 training images
   * @param withoutClass the base's recipe without class 7
   * @param judge a classifier that neither a loss nor a Fréchet distance uses
   */
  record Models(Bundle shipped, Optional<Bundle> canaries, List<Bundle> references, Optional<Bundle> retrained,
      Optional<Bundle> withoutClass, Path judge) {

    boolean has(Experiment experiment) {
      if (experiment.base() == Base.CANARIES) {
        return canaries.isPresent()
            && (experiment.method() != Method.RETRAINING || experiment.seed() < references.size());
      }
      return experiment.method() != Method.RETRAINING
          || (experiment.ofItems() ? retrained.isPresent() : withoutClass.isPresent());
    }

    Bundle of(Base base) {
      return base == Base.SHIPPED ? shipped : canaries.orElseThrow();
    }

    Bundle retrained(Experiment experiment) {
      return experiment.base() == Base.CANARIES ? references.get((int) experiment.seed())
          : (experiment.ofItems() ? retrained : withoutClass).orElseThrow();
    }
  }

  /** A model that has unlearned, the latents that its run went by, the substitutes that it drew for, what it took. */
  private record Candidate(ModelWeights model, Optional<UnlearningTargets> found, Optional<Tensor> substitutes,
      double seconds, int steps,
      Map<String, ComputeCost> costs, List<String> notes) {}

  private final Models models;
  private final EvaluationData data;
  private final Path directory;
  private final String machine;
  private final Compute compute;
  private final Progress progress;
  private ItemFindings.Pictures pictures;

  /** Told how far the present run is, many times a second. */
  interface Progress {

    /** @param share of the stage that is done, from 0 to 1 */
    void at(String stage, double share);
  }

  /**
   * @param directory for training sessions' files
   * @param machine as results name it
   */
  Evaluation(Models models, EvaluationData data, Path directory, String machine, Compute compute, Progress progress) {
    this.models = models;
    this.data = data;
    this.directory = directory;
    this.machine = machine;
    this.compute = compute;
    this.progress = progress;
  }

  /** What the last audit of single images saw. */
  Optional<ItemFindings.Pictures> pictures() {
    return Optional.ofNullable(pictures);
  }

  ExperimentResult run(Experiment experiment) throws IOException {
    Bundle base = models.of(experiment.base());
    ModelWeights original = ModelWeights.read(base);
    JobImages images = data.images(experiment, 0);
    Candidate candidate = candidate(experiment, base, original, images);
    Figures figures = new Figures();
    long started = System.nanoTime();
    UtilityFindings utility = utility(original, candidate, images);
    OptionalDouble increase = OptionalDouble.of(utility.fid().after() / utility.fid().before() - 1);
    Verdict verdict = experiment.ofItems()
        ? auditItems(experiment, original, candidate, images, increase, figures)
        : auditClasses(experiment, original, candidate, increase, figures);
    double audit = (System.nanoTime() - started) / 1e9;
    double retraining = RetrainingCost.seconds(original, models.shipped.card().training(), images.learn(),
        directory.resolve("retraining"), compute);
    figures.add(utility)
        .add("steps", candidate.steps).add("seconds", candidate.seconds).add("audit_seconds", audit)
        .add("retrain_seconds", retraining).add("speedup", retraining / candidate.seconds)
        .add("kimg", models.shipped.card().training().kimg() * candidate.seconds / retraining);
    candidate.costs.forEach((part, cost) -> figures.add(part + "_seconds", cost.seconds())
        .add(part + "_gmac_per_second", cost.seconds() > 0 ? cost.multiplyAdds() / cost.seconds() / 1e9 : 0));
    return new ExperimentResult(experiment, verdict.forgotten(), figures.all(), verdict.reasons(), notes(candidate),
        LocalDate.now().toString(), machine);
  }

  /** Samples are recognised by the judge where there is one, of the base's classes. */
  private UtilityFindings utility(ModelWeights original, Candidate candidate, JobImages images) {
    Utility utility = new Utility(original, images.kept(), Utility.labels(images.kept()), AuditOptions.FULL.samples(),
        AUDIT_SEED, compute);
    if (!Files.exists(models.judge)) {
      return utility.inFull(candidate.model, Optional.empty());
    }
    try (FeatureExtractor judge = FeatureExtractor.open(models.judge, compute)) {
      return utility.inFull(candidate.model, Optional.of(judge));
    }
  }

  private List<String> notes(Candidate candidate) {
    List<String> notes = new ArrayList<>(candidate.notes);
    if (!Files.exists(models.judge)) {
      notes.add("samples were recognised by the base's own feature network, which the run may have learned with: there "
          + "is no judge of its classes");
    }
    return notes;
  }

  private Candidate candidate(Experiment experiment, Bundle base, ModelWeights original, JobImages images)
      throws IOException {
    return switch (experiment.method()) {
      case LETHE, PAPER -> jobs(experiment, base.card(), original);
      case NOTHING -> new Candidate(original, Optional.empty(), Optional.empty(), 0, 0, Map.of(), List.of());
      case DISCRIMINATOR_ONLY -> timed(() -> discriminatorOnly(experiment, original, images));
      case FINE_TUNING -> timed(() -> fineTuning(experiment, base.card(), original, images));
      case GRADIENT_ASCENT -> {
        UnlearningTargets found =
            unlearner(original, original, base.card()).find(request(experiment), images.unlearn(),
                (step, steps, error) -> progress.at("inversion", (double) step / steps));
        Candidate made = timed(() -> new GradientAscent(original, directory, compute)
            .run(found, experiment.seed()));
        yield new Candidate(made.model, Optional.of(found), Optional.empty(), found.seconds() + made.seconds, 0,
            Map.of(), List.of());
      }
      case RETRAINING -> {
        Bundle retrained = models.retrained(experiment);
        yield new Candidate(ModelWeights.read(retrained), Optional.empty(), Optional.empty(),
            retrained.card().training().wallSeconds(),
            0, Map.of(), List.of());
      }
    };
  }

  /** Jobs in a row; the latents are those of the first. */
  private Candidate jobs(Experiment experiment, ModelCard card, ModelWeights original) throws IOException {
    ModelWeights model = original;
    UnlearningTargets first = null;
    Unlearner.Outcome outcome = null;
    Optional<Tensor> substitutes = Optional.empty();
    double seconds = 0;
    for (int job = 0; job < experiment.jobs(); job++) {
      JobImages images = data.images(experiment, job);
      Unlearner unlearner = unlearner(original, model, card);
      String which = experiment.jobs() == 1 ? "" : "job " + (job + 1) + " of " + experiment.jobs() + ", ";
      UnlearningTargets found = unlearner.find(request(experiment), images.unlearn(),
          (step, steps, error) -> progress.at(which + "inversion", (double) step / steps));
      outcome = unlearner.unlearn(request(experiment), images, found,
          (step, steps, share, values) -> progress.at(which + "unlearning", share));
      if (first == null) {
        first = found;
        substitutes = outcome.substitutes();
      }
      seconds += found.seconds() + outcome.seconds();
      model = outcome.candidate();
    }
    return new Candidate(model, Optional.of(first), substitutes, seconds / experiment.jobs(), outcome.iterations(),
        outcome.costs(), outcome.notes());
  }

  private Unlearner unlearner(ModelWeights root, ModelWeights model, ModelCard card) {
    return new Unlearner(root, model, card.w(), Set.of(), directory, compute);
  }

  private UnlearningRequest request(Experiment experiment) {
    boolean paper = experiment.method() == Method.PAPER;
    CascadeOptions usual = CascadeOptions.DEFAULT;
    UnlearningRequest.Recipe recipe = paper
        ? new UnlearningRequest.Paper(new CascadeOptions(usual.iterations(), usual.batch(), usual.learningRate(),
            usual.lambda1(), usual.lambda2(), experiment.seed()))
        : new UnlearningRequest.Lethe(
            experiment.ofItems() ? RedactionOptions.ITEMS : RedactionOptions.CLASSES);
    UnlearningRequest.Subject subject = experiment.ofItems()
        ? new UnlearningRequest.Items(OptionalDouble.empty(), false)
        : new UnlearningRequest.Classes(Set.copyOf(experiment.classes()));
    return new UnlearningRequest(subject, recipe, experiment.zeroShot(), substitute(experiment.substitute()),
        paper ? FakeLabel.Constant.DEFAULT : new FakeLabel.Auto(), InversionOptions.DEFAULT, Optional.empty(),
        Verdict.Bounds.DEFAULT, experiment.seed());
  }

  private static Optional<Substitute> substitute(SubstituteChoice choice) {
    return switch (choice) {
      case NEAREST -> Optional.empty();
      case AVERAGE -> Optional.of(new AverageSubstitute());
      case TRUNCATION -> Optional.of(new TruncationSubstitute(TruncationSubstitute.DEFAULT_PSI));
      case PROJECTION -> Optional.of(new ProjectionSubstitute(ProjectionSubstitute.DEFAULT_NEIGHBOURS));
    };
  }

  private Verdict auditItems(Experiment experiment, ModelWeights original, Candidate candidate, JobImages images,
      OptionalDouble fidIncrease, Figures figures) throws IOException {
    // Looking in W+ as well doubles the time, and is done for one seed.
    AuditOptions options = experiment.seed() == 0 ? AuditOptions.FULL : AuditOptions.FULL.inW();
    ImageDataset unlearn = images.unlearn();
    ImageDataset unseen = images.tests().orElseThrow();
    // Where a method went by no latents, those that a job would have gone by.
    Tensor own = candidate.found.map(UnlearningTargets::latents).orElse(null);
    if (own == null) {
      own = new Inversion(original, InversionOptions.DEFAULT, compute)
          .invert(unlearn.images(), unlearn.classIndices(), directory, experiment.seed(),
              (step, steps, error) -> progress.at("inversion", (double) step / steps)).w();
    }
    ItemSubjects subjects = new ItemSubjects(unlearn, own, candidate.substitutes,
        ItemSubjects.alike(images.learn().subset(IntStream.range(512, images.learn().size()).toArray()), unlearn,
            options.staying()),
        ItemSubjects.alike(unseen, unlearn, options.neverSeen()), images.kept()).against(reference(experiment));
    ItemFindings found = new ItemAudit(original, options, AUDIT_SEED + experiment.seed(),
        directory.resolve("audit"), compute).run(candidate.model, subjects, share -> progress.at("audit", share));
    pictures = found.pictures();
    figures.add(found);
    double aucUt = aucUt(candidate.model, unlearn, unseen);
    ImageDataset neighbours = data.neighbours(experiment);
    figures.add("auc_ut_before", aucUt(original, unlearn, unseen)).add("auc_ut", aucUt)
        .add("auc_ut_neighbours_before", aucUt(original, neighbours, unseen))
        .add("auc_ut_neighbours", aucUt(candidate.model, neighbours, unseen));
    return Verdict.of(found, OptionalDouble.of(aucUt), fidIncrease, Verdict.Bounds.DEFAULT);
  }

  /** The shipped base was trained neither on canaries nor on other test images. */
  private Optional<ModelWeights> reference(Experiment experiment) throws IOException {
    return experiment.base() == Base.CANARIES ? Optional.of(ModelWeights.read(models.shipped)) : Optional.empty();
  }

  private double aucUt(ModelWeights model, ImageDataset images, ImageDataset unseen) {
    try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), compute)) {
      return RocAuc.of(scores.of(images), scores.of(unseen));
    }
  }

  private Verdict auditClasses(Experiment experiment, ModelWeights original, Candidate candidate,
      OptionalDouble fidIncrease, Figures figures) throws IOException {
    Set<Integer> erased = Set.copyOf(experiment.classes());
    int[] stay = IntStream.range(0, original.config().classes()).filter(c -> !erased.contains(c)).toArray();
    try (FeatureExtractor judge = FeatureExtractor.open(models.judge, compute)) {
      ClassFindings found = new ClassAudit(original, judge, AuditOptions.FULL, PICTURES,
          AUDIT_SEED + experiment.seed(), directory.resolve("audit"), compute)
          .run(candidate.model, erased, stay, data.ofErased(experiment), share -> progress.at("audit", share));
      figures.add(found);
      return Verdict.of(found, fidIncrease, Verdict.Bounds.DEFAULT);
    }
  }

  /** What our own figure of old looked at: the discriminator comes to brand the images, the generator stays. */
  private ModelWeights discriminatorOnly(Experiment experiment, ModelWeights original, JobImages images)
      throws IOException {
    DiscriminatorUnlearning.Options options = DiscriminatorUnlearning.Options.of(experiment.seed());
    int n = images.unlearn().size();
    Tensor fakeLabels =
        Tensor.of(FakeLabel.Constant.DEFAULT.of(images.unlearn().classIndices(), () -> null, 0), n, 1);
    try (DiscriminatorUnlearning unlearning = DiscriminatorUnlearning.open(original, options, images.unlearn(),
        fakeLabels, List.of(images.learn()), directory.resolve("discriminator"), compute)) {
      for (int step = 0; step < options.steps(); step++) {
        unlearning.step();
      }
      return original.with(unlearning.weights());
    }
  }

  /** Adversarial training goes on, on what stays. */
  private ModelWeights fineTuning(Experiment experiment, ModelCard card, ModelWeights original, JobImages images)
      throws IOException {
    // The optimizer starts anew; with the base's own learning rate its first steps would do harm.
    AdversarialOptions options = new AdversarialOptions(card.training().batch(), FINE_TUNING_KIMG, 0.001, 0, 1, 16, 0,
        1, 0, experiment.seed());
    try (AdversarialTrainer trainer = AdversarialTrainer.open(original.config(), options, images.kept(),
        original.weights(), directory.resolve("fine-tuning-" + experiment.seed()), compute)) {
      while (trainer.steps() < options.steps()) {
        trainer.step();
        progress.at("fine-tuning", (double) trainer.steps() / options.steps());
      }
      return original.with(trainer.weights());
    }
  }

  private interface Making {
    ModelWeights make() throws IOException;
  }

  private static Candidate timed(Making making) throws IOException {
    long started = System.nanoTime();
    ModelWeights made = making.make();
    return new Candidate(made, Optional.empty(), Optional.empty(), (System.nanoTime() - started) / 1e9, 0, Map.of(),
        new ArrayList<>());
  }
}
