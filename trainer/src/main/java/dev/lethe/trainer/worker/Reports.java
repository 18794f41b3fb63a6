package dev.lethe.trainer.worker;

import dev.lethe.trainer.audit.ClassFindings;
import dev.lethe.trainer.audit.Estimate;
import dev.lethe.trainer.audit.ItemFindings;
import dev.lethe.trainer.unlearning.UnlearningReport;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.ImageFinding;
import dev.lethe.v1.Interval;
import dev.lethe.v1.Membership;
import dev.lethe.v1.Redaction;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import java.util.Arrays;
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
    UnlearnReport.Builder report = UnlearnReport.newBuilder()
        .setJobId(job.getJobId())
        .setKind(name(spec.getKind(), "UNLEARN_KIND_"))
        .setMode(name(spec.getMode(), "UNLEARN_MODE_"))
        .setSubstitute(name(spec.getSubstitute(), "SUBSTITUTE_KIND_"))
        .setImages(found.images())
        .setSeconds(found.seconds())
        .setFidL(beforeAfter(found.before().fidL(), found.after().fidL()))
        .setBaseVersion(JobFiles.local(job.getBaseBundle()).getFileName().toString())
        .setNewVersion(job.getNewVersion())
        .setIterations(found.iterations())
        .addAllSkippedImages(skipped(job, found))
        .addAllNotes(found.notes())
        .addAllPreparations(job.getPreparationsList())
        .setDiverged(found.diverged())
        .setRecipe(name(spec.getRecipe(), "RECIPE_"))
        .setAuditSeconds(found.auditSeconds());
    found.verdict().ifPresent(verdict -> report.setVerdict(verdict.forgotten() ? "forgotten" : "not forgotten")
        .addAllReasons(verdict.reasons()).addAllFindings(verdict.findings()));
    found.items().ifPresent(items -> items(items, report));
    found.classes().ifPresent(classes -> classes(classes, report));
    found.fidRoot().ifPresent(fid -> report.setFidRoot(beforeAfter(fid.before(), fid.after())));
    found.fakeLabel().ifPresent(report::setFakeLabel);
    both(found.before().aucLu(), found.after().aucLu(), report::setAucLu);
    both(found.before().fidU(), found.after().fidU(), report::setFidU);
    both(found.before().accuracy(), found.after().accuracy(), report::setAcc);
    both(found.before().aucUt(), found.after().aucUt(), report::setAucUt);
    if (found.classes().isEmpty()) {
      both(found.before().erasedRecognised(), found.after().erasedRecognised(), report::setErasedRecognised);
      both(found.before().keptRecognised(), found.after().keptRecognised(), report::setKeptRecognised);
    }
    found.retrainSeconds().ifPresent(seconds ->
        report.setRetrainSeconds(seconds).setSpeedup(seconds / found.seconds()));
    return report.build();
  }

  private static void items(ItemFindings found, UnlearnReport.Builder report) {
    report.setRedaction(Redaction.newBuilder()
        .setOwn(change(found.own())).setOwnInterval(interval(found.own().after()))
        .setFresh(change(found.fresh())).setFreshInterval(interval(found.fresh().after()))
        .setCandidate(change(found.candidate())).setCandidateInterval(interval(found.candidate().after()))
        .setApart(change(found.apart())));
    found.members().ifPresent(members -> report.getCollateralBuilder().setMembers(members.way().value()));
    found.unseen().ifPresent(unseen -> report.getCollateralBuilder().setUnseen(unseen.way().value()));
    Membership.Builder membership = report.getMembershipBuilder();
    found.membership().ifPresent(w -> membership
        .setW(beforeAfter(w.before().auc().value(), w.after().auc().value()))
        .setWInterval(interval(w.after().auc()))
        .setWTruePositiveRate(beforeAfter(w.before().truePositiveRate().value(),
            w.after().truePositiveRate().value())));
    found.wPlus().map(ItemFindings.WPlus::membership).ifPresent(wPlus -> membership
        .setWPlus(beforeAfter(wPlus.before().auc().value(), wPlus.after().auc().value())));
    for (int i = 0; i < found.freshWays().length; i++) {
      report.addImageFindings(ImageFinding.newBuilder().setWay(found.freshWays()[i])
          .setNearerToSubstitute(found.freshNearer()[i]).setErrorBefore(found.errorsBefore()[i])
          .setErrorAfter(found.errorsAfter()[i]));
    }
    report.setWorstImage(found.worst()).setSubstituteDistance(found.substituteDistance());
    ReinversionMse.Builder errors = report.getReinversionMseBuilder()
        .setUnlearnedBefore(Arrays.stream(found.errorsBefore()).average().orElseThrow())
        .setUnlearnedAfter(Arrays.stream(found.errorsAfter()).average().orElseThrow());
    found.neverSeenError().ifPresent(errors::setNeverSeen);
  }

  private static void classes(ClassFindings found, UnlearnReport.Builder report) {
    report.setErasedRecognised(change(found.label()))
        .setFormerRecognised(change(found.former()))
        .setAroundRecognised(change(found.around()))
        .setKeptRecognised(change(found.kept()));
    found.reinverted().ifPresent(share -> report.setReinvertedRecognised(change(share)));
  }

  private static BeforeAfter change(dev.lethe.trainer.audit.BeforeAfter<Estimate> figure) {
    return beforeAfter(figure.before().value(), figure.after().value());
  }

  private static Interval interval(Estimate estimate) {
    return Interval.newBuilder().setLow(estimate.low()).setHigh(estimate.high()).build();
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

  private static BeforeAfter beforeAfter(double before, double after) {
    return BeforeAfter.newBuilder().setBefore(before).setAfter(after).build();
  }
}
