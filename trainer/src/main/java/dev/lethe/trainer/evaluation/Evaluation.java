package dev.lethe.trainer.evaluation;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.adversarial.AdversarialOptions;
import dev.lethe.trainer.adversarial.AdversarialTrainer;
import dev.lethe.trainer.cascade.CascadeOptions;
import dev.lethe.trainer.cascade.FakeLabel;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.evaluation.Cell.Base;
import dev.lethe.trainer.evaluation.Cell.Kind;
import dev.lethe.trainer.evaluation.Cell.Method;
import dev.lethe.trainer.evaluation.Cell.Mode;
import dev.lethe.trainer.evaluation.CellResult.Audit;
import dev.lethe.trainer.evaluation.CellResult.Point;
import dev.lethe.trainer.evaluation.CellResult.Values;
import dev.lethe.trainer.inversion.InversionOptions;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.substitution.AverageSubstitute;
import dev.lethe.trainer.substitution.ProjectionSubstitute;
import dev.lethe.trainer.substitution.Substitute;
import dev.lethe.trainer.substitution.TruncationSubstitute;
import dev.lethe.trainer.session.Effort;
import dev.lethe.trainer.unlearning.BeforeAfterPicture;
import dev.lethe.trainer.unlearning.Found;
import dev.lethe.trainer.unlearning.JobImages;
import dev.lethe.trainer.unlearning.Measured;
import dev.lethe.trainer.unlearning.MeasurementOptions;
import dev.lethe.trainer.unlearning.Measurements;
import dev.lethe.trainer.unlearning.ReinversionAudit;
import dev.lethe.trainer.unlearning.RetrainingCost;
import dev.lethe.trainer.unlearning.UnlearningRequest;
import dev.lethe.trainer.unlearning.Unlearner;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes the runs of a grid. What several runs need, such as the latents of the same images, is looked for once, and its
 * time counted in each.
 */
final class Evaluation {

  /** Fine-tuning takes about as long as unlearning 64 images does. */
  private static final double FINE_TUNING_KIMG = 2;

  /** Bundles by their part in it. */
  record Models(Bundle mnist, Optional<Bundle> overfitted, Optional<Bundle> retrained) {

    boolean has(Cell cell) {
      return cell.method() == Method.RETRAINING ? retrained.isPresent()
          : cell.base() == Base.MNIST || overfitted.isPresent();
    }

    Bundle of(Base base) {
      return base == Base.MNIST ? mnist : overfitted.orElseThrow();
    }
  }

  /** A candidate, and what it is to be compared by. */
  private record Candidate(ModelWeights model, ImageDataset learned, double seconds, double fakeLabel,
      Map<String, Effort> efforts, List<Point> curve) {}

  private final Models models;
  private final EvaluationData data;
  private final Path directory;
  private final String machine;
  private final ExecutionDevice device;
  private final int threads;
  private final Map<Base, ModelWeights> weights = new HashMap<>();
  private final Map<String, Found> found = new HashMap<>();
  private final Map<String, Measured> originals = new HashMap<>();
  private final double limit;
  private ModelWeights last;
  private Found lastFound;

  /**
   * @param directory for training sessions' files
   * @param machine as results name it
   */
  Evaluation(Models models, EvaluationData data, Path directory, String machine, ExecutionDevice device,
      int threads) {
    this.models = models;
    this.data = data;
    this.directory = directory;
    this.machine = machine;
    this.device = device;
    this.threads = threads;
    this.limit = ArithmeticLimit.measure(device, threads);
  }

  /** Pictures of the run that was made last. */
  void writePicture(Cell cell, Path file) throws IOException {
    new BeforeAfterPicture(original(cell.base()), last, device, threads).write(file, lastFound);
  }

  private ModelWeights original(Base base) throws IOException {
    if (!weights.containsKey(base)) {
      weights.put(base, ModelWeights.read(models.of(base)));
    }
    return weights.get(base);
  }

  CellResult run(Cell cell) throws IOException {
    ModelWeights original = original(cell.base());
    ModelCard card = models.of(cell.base()).card();
    JobImages images = data.images(cell);
    UnlearningRequest request = request(cell);
    Unlearner unlearner = new Unlearner(original, card.w(), Set.of(), directory, device, threads);
    Found there = find(cell, unlearner, request, images);
    Candidate candidate = switch (cell.method()) {
      case CASCADE -> cascade(unlearner, request, images, there);
      case FINE_TUNING -> fineTuning(cell, original, card);
      case GRADIENT_ASCENT -> timed(images.learn(), there.seconds(),
          () -> new GradientAscent(original, directory, device, threads).run(there, cell.seed()));
      case RETRAINING -> {
        Bundle retrained = models.retrained.orElseThrow();
        yield new Candidate(ModelWeights.read(retrained), images.learn(),
            retrained.card().training().wallSeconds(), Double.NaN, Map.of(), List.of());
      }
    };
    last = candidate.model;
    lastFound = there;
    double retraining =
        RetrainingCost.seconds(original, card.training(), candidate.learned, directory, device, threads);
    Measurements measurements = measurements(cell, there, candidate.learned, images);
    Measured before = before(cell, original, measurements);
    Measured after = measurements.of(candidate.model, directory);
    return new CellResult(cell, data.describe(cell), candidate.seconds, there.seconds(), retraining,
        candidate.fakeLabel, Values.of(before), Values.of(after),
        cell.thorough() && cell.images() > 0 ? audit(cell, candidate.model, there, images) : null, candidate.efforts,
        limit, candidate.curve, LocalDate.now().toString(), machine);
  }

  private UnlearningRequest request(Cell cell) {
    CascadeOptions usual = cell.kind() == Kind.CLASS ? CascadeOptions.CLASSES : CascadeOptions.ITEMS;
    CascadeOptions cascade = new CascadeOptions(cell.iterations(), usual.batch(), usual.learningRate(),
        usual.generatorRate(), usual.discriminatorSteps(), usual.lambda1(), cell.lambda2(), cell.seed());
    FakeLabel fakeLabel = cell.fakeLabel().equals(Cell.AUTO) ? new FakeLabel.Auto()
        : new FakeLabel.Constant(Double.parseDouble(cell.fakeLabel()));
    UnlearningRequest.Subject subject = cell.kind() == Kind.CLASS ? new UnlearningRequest.Classes(data.classes(cell))
        : new UnlearningRequest.Items(OptionalDouble.empty(), false);
    return new UnlearningRequest(subject, cell.mode() == Mode.ZERO_SHOT, substitute(cell), fakeLabel, cascade,
        InversionOptions.DEFAULT, cell.measures() == 0 ? Optional.empty()
            : Optional.of(new UnlearningRequest.Bounds(Double.POSITIVE_INFINITY, cell.measures())));
  }

  private static Substitute substitute(Cell cell) {
    return switch (cell.substitute()) {
      case AVERAGE -> new AverageSubstitute();
      case TRUNCATION -> new TruncationSubstitute(TruncationSubstitute.DEFAULT_PSI);
      case PROJECTION -> new ProjectionSubstitute(ProjectionSubstitute.DEFAULT_NEIGHBOURS);
    };
  }

  private static String key(Cell cell) {
    return cell.base() + "-" + cell.kind() + "-" + cell.images() + "-" + cell.seed();
  }

  private Found find(Cell cell, Unlearner unlearner, UnlearningRequest request, JobImages images) throws IOException {
    if (!found.containsKey(key(cell))) {
      found.put(key(cell), unlearner.find(request, images.unlearn(), (step, steps, error) -> { }));
    }
    return found.get(key(cell));
  }

  private Candidate cascade(Unlearner unlearner, UnlearningRequest request, JobImages images, Found there)
      throws IOException {
    List<Point> curve = new ArrayList<>();
    long started = System.nanoTime();
    Unlearner.Outcome outcome = unlearner.unlearn(request, images, there, (iteration, iterations, values) -> {
      if (values.containsKey("auc_lu")) {
        curve.add(new Point(iteration, there.seconds() + (System.nanoTime() - started) / 1e9, values.get("auc_lu"),
            values.get("fid_l")));
      }
    });
    return new Candidate(outcome.candidate(), outcome.learned(), there.seconds() + outcome.seconds(),
        outcome.fakeLabel(), Map.of("inversion", there.inversion(), "generator", outcome.generator(), "discriminator",
            outcome.discriminator()), curve);
  }

  /** Adversarial training goes on, on what stays. */
  private Candidate fineTuning(Cell cell, ModelWeights original, ModelCard card) throws IOException {
    JobImages images = data.images(cell);
    Set<String> forget = IntStream.range(0, images.unlearn().size())
        .mapToObj(i -> Arrays.toString(images.unlearn().pixels(i))).collect(Collectors.toSet());
    ImageDataset stays = data.train().subset(IntStream.range(0, data.train().size())
        .filter(i -> !forget.contains(Arrays.toString(data.train().pixels(i)))).toArray());
    // The optimizer starts anew; with the base's own learning rate its first steps would do harm.
    AdversarialOptions options = new AdversarialOptions(card.training().batch(), FINE_TUNING_KIMG, 0.001, 0, 1, 16, 0,
        1, 0, cell.seed());
    return timed(images.learn(), 0, () -> {
      try (AdversarialTrainer trainer = AdversarialTrainer.open(original.config(), options, stays, original.weights(),
          directory.resolve("fine-tuning-" + cell.seed()), device, threads)) {
        while (trainer.steps() < options.steps()) {
          trainer.step();
        }
        return original.with(trainer.weights());
      }
    });
  }

  private interface Making {
    ModelWeights make() throws IOException;
  }

  private static Candidate timed(ImageDataset learned, double findingSeconds, Making making) throws IOException {
    long started = System.nanoTime();
    ModelWeights made = making.make();
    return new Candidate(made, learned, findingSeconds + (System.nanoTime() - started) / 1e9, Double.NaN, Map.of(),
        List.of());
  }

  private Measurements measurements(Cell cell, Found there, ImageDataset learned, JobImages images)
      throws IOException {
    Set<Integer> erased = data.classes(cell);
    ImageDataset tests = images.tests().orElseThrow();
    Set<Integer> shown = Arrays.stream(there.images().classIndices()).boxed().collect(Collectors.toSet());
    ImageDataset neverSeen = tests.subset(
        IntStream.range(0, tests.size()).filter(i -> shown.contains(tests.label(i))).toArray());
    ImageDataset staying = tests.subset(
        IntStream.range(0, tests.size()).filter(i -> !erased.contains(tests.label(i))).toArray());
    return new Measurements(original(cell.base()), there.images(), learned, Optional.of(neverSeen),
        cell.thorough() ? Optional.of(staying) : Optional.empty(), erased, there.lookalike(),
        MeasurementOptions.DEFAULT, cell.seed(), device, threads);
  }

  private Measured before(Cell cell, ModelWeights original, Measurements measurements) throws IOException {
    String key = key(cell) + "-" + cell.thorough();
    if (!originals.containsKey(key)) {
      originals.put(key, measurements.of(original, directory));
    }
    return originals.get(key);
  }

  private Audit audit(Cell cell, ModelWeights candidate, Found there, JobImages images) throws IOException {
    ReinversionAudit audit =
        new ReinversionAudit(InversionOptions.DEFAULT, directory, cell.seed(), device, threads);
    ImageDataset neverSeen = ReinversionAudit.alike(images.tests().orElseThrow(), images.unlearn());
    return new Audit(there.inversionError().orElseThrow(), audit.error(candidate, images.unlearn(), (a, b, c) -> { }),
        audit.error(candidate, neverSeen, (a, b, c) -> { }));
  }
}
