package dev.lethe.trainer.unlearning;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.inversion.Inversion;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.unlearning.UnlearningReport.Reinversion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * From the original's bundle to a candidate's: unlearning, export, audit, measures (arXiv 2308.09881).
 *
 * @param base the original
 * @param newVersion version of the candidate
 * @param directory for the candidate ({@code candidate/}), {@code before_after.png} and temporary files
 * @param threads threads within an operator; 0 for one on each core
 */
public record UnlearningJob(Bundle base, String newVersion, UnlearningRequest request, JobImages images,
    MeasurementOptions measuring, Path directory, ExecutionDevice device, int threads) {

  /** The parts of a job, with the share of its time that each takes about. */
  private enum Stage {
    INVERSION(0.15), UNLEARNING(0.30), EXPORT(0.02), REINVERSION(0.28), MEASURING(0.20), RETRAINING(0.05);

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
    Set<Integer> gone = card.unlearnedLabels().keySet().stream().map(card.labels()::indexOf)
        .collect(Collectors.toSet());
    Unlearner unlearner = new Unlearner(original, card.w(), gone, directory.resolve("session"), device, threads);
    Found found = unlearner.find(request, images.unlearn(),
        (step, steps, error) -> tell(listener, Stage.INVERSION, step, steps, Map.of("mse", error)));
    Unlearner.Outcome outcome = unlearner.unlearn(request, images, found,
        (step, steps, values) -> tell(listener, Stage.UNLEARNING, step, steps, values));

    tell(listener, Stage.EXPORT, 0, 1, Map.of());
    new CandidateExport(base, outcome.candidate(), device, threads)
        .write(directory.resolve("candidate"), newVersion, request.subject().classes());
    new BeforeAfterPicture(original, outcome.candidate(), device, threads)
        .write(directory.resolve("before_after.png"), found);

    Reinversion reinversion = audit(original, outcome.candidate(), found, listener);

    Measurements measurements = measurements(original, found, outcome.learned(), gone);
    tell(listener, Stage.MEASURING, 0, 2, Map.of());
    Measured before = measurements.of(original, directory.resolve("session"));
    tell(listener, Stage.MEASURING, 1, 2, Map.of("auc_lu_before", before.aucLu(), "fid_l_before", before.fidL()));
    Measured after = measurements.of(outcome.candidate(), directory.resolve("session"));
    tell(listener, Stage.RETRAINING, 0, 1, Map.of("auc_lu_after", after.aucLu(), "fid_l_after", after.fidL()));
    OptionalDouble retraining = card.training() == null ? OptionalDouble.empty()
        : OptionalDouble.of(RetrainingCost.seconds(original, card.training(), outcome.learned(),
            directory.resolve("retraining"), device, threads));
    return new UnlearningReport(found.images().size(), outcome.fakeLabel(), outcome.iterations(),
        found.seconds() + outcome.seconds(), retraining, before, after, reinversion, outcome.diverged(),
        found.skipped(), outcome.notes());
  }

  private Reinversion audit(ModelWeights original, ModelWeights candidate, Found found, ProgressListener listener)
      throws IOException {
    if (images.unlearn().size() == 0) {
      return new Reinversion(OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());
    }
    ReinversionAudit audit = new ReinversionAudit(request.inversion(), directory.resolve("session"),
        request.cascade().seed(), device, threads);
    ImageDataset unlearned = found.images();
    ImageDataset some = unlearned.subset(
        IntStream.range(0, Math.min(measuring.inverted(), unlearned.size())).toArray());
    // The job itself has inverted single images in the original.
    boolean known = found.inversionError().isPresent() && some.size() == unlearned.size();
    int parts = (known ? 1 : 2) + (images.tests().isPresent() ? 1 : 0);
    OptionalDouble before = known ? found.inversionError()
        : OptionalDouble.of(audit.error(original, some, part(listener, parts - 1, parts)));
    double after = audit.error(candidate, some, part(listener, 0, parts));
    OptionalDouble neverSeen = images.tests().isEmpty() ? OptionalDouble.empty()
        : OptionalDouble.of(audit.error(candidate, ReinversionAudit.alike(images.tests().get(), some),
            part(listener, 1, parts)));
    return new Reinversion(before, OptionalDouble.of(after), neverSeen);
  }

  private static Inversion.Progress part(ProgressListener listener, int part, int parts) {
    return (step, steps, error) ->
        tell(listener, Stage.REINVERSION, part * steps + step, parts * steps, Map.of("mse", error));
  }

  private Measurements measurements(ModelWeights original, Found found, ImageDataset learned, Set<Integer> gone) {
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
    return new Measurements(original, unlearned, learned, neverSeen,
        staying.size() == 0 ? Optional.empty() : Optional.of(staying), erased, found.lookalike(), measuring,
        request.cascade().seed(), device, threads);
  }

  private static void tell(ProgressListener listener, Stage stage, int step, int steps, Map<String, Double> values) {
    listener.progress(stage.name().toLowerCase(Locale.ROOT), step, steps,
        Math.min(1, stage.start() + stage.share * step / steps), values);
  }
}
