package dev.lethe.trainer.worker;

import dev.lethe.trainer.unlearning.UnlearningReport;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Writes what a job found as the protocol has it. */
final class Reports {

  private Reports() {}

  static UnlearnReport of(WorkerJob job, UnlearningReport found) {
    UnlearnSpec spec = job.getSpec();
    ReinversionMse.Builder reinversion = ReinversionMse.newBuilder();
    set(found.reinversion().unlearnedBefore(), reinversion::setUnlearnedBefore);
    set(found.reinversion().unlearnedAfter(), reinversion::setUnlearnedAfter);
    set(found.reinversion().neverSeen(), reinversion::setNeverSeen);
    UnlearnReport.Builder report = UnlearnReport.newBuilder()
        .setJobId(job.getJobId())
        .setKind(name(spec.getKind(), "UNLEARN_KIND_"))
        .setMode(name(spec.getMode(), "UNLEARN_MODE_"))
        .setSubstitute(name(spec.getSubstitute(), "SUBSTITUTE_KIND_"))
        .setFakeLabel(found.fakeLabel())
        .setImages(found.images())
        .setSeconds(found.seconds())
        .setAucLu(beforeAfter(found.before().aucLu(), found.after().aucLu()))
        .setFidL(beforeAfter(found.before().fidL(), found.after().fidL()))
        .setFidU(beforeAfter(found.before().fidU(), found.after().fidU()))
        .setReinversionMse(reinversion)
        .setBaseVersion(Path.of(job.getBaseBundle()).getFileName().toString())
        .setNewVersion(job.getNewVersion())
        .setIterations(found.iterations())
        .addAllSkippedImages(skipped(job, found))
        .addAllNotes(found.notes())
        .setDiverged(found.diverged());
    both(found.before().accuracy(), found.after().accuracy(), report::setAcc);
    both(found.before().aucUt(), found.after().aucUt(), report::setAucUt);
    both(found.before().erasedRecognised(), found.after().erasedRecognised(), report::setErasedRecognised);
    both(found.before().formerRecognised(), found.after().formerRecognised(), report::setFormerRecognised);
    both(found.before().keptRecognised(), found.after().keptRecognised(), report::setKeptRecognised);
    found.retrainSeconds().ifPresent(seconds ->
        report.setRetrainSeconds(seconds).setSpeedup(seconds / found.seconds()));
    return report.build();
  }

  /** By index in the request: duplicates, and images that the model cannot draw. */
  private static List<Integer> skipped(WorkerJob job, UnlearningReport found) {
    return Stream.concat(job.getSkippedImagesList().stream(),
        found.skipped().stream().map(job::getUnlearnIndices)).sorted().toList();
  }

  /** A constant as people write it: {@code UNLEARN_MODE_FEW_SHOT} is few-shot. */
  private static String name(Enum<?> constant, String prefix) {
    return constant.name().substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void both(OptionalDouble before, OptionalDouble after, Consumer<BeforeAfter> field) {
    if (before.isPresent() && after.isPresent()) {
      field.accept(beforeAfter(before.getAsDouble(), after.getAsDouble()));
    }
  }

  private static void set(OptionalDouble value, Consumer<Double> field) {
    value.ifPresent(field::accept);
  }

  private static BeforeAfter beforeAfter(double before, double after) {
    return BeforeAfter.newBuilder().setBefore(before).setAfter(after).build();
  }
}
