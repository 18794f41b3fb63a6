package dev.lethe.server.unlearning;

import dev.lethe.job.JobContract;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Gates;
import dev.lethe.v1.ImageFinding;
import dev.lethe.v1.Job;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.WorkerJob;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a run that carried out several requests has come to for one of them: the run's figures, what is known of the
 * request's own images, and whether that passes the same bounds.
 *
 * @param report the request's
 * @param against why the request by itself does not pass; empty if it does
 */
record MergedReport(UnlearnReport report, Optional<String> against) {

  /**
   * Makes one request's of the run's.
   *
   * @param work of the request alone
   * @param places of its images among all of the run
   * @param requests that the run carried out
   * @param classes that the run erased
   */
  static MergedReport of(UnlearnReport run, Job job, WorkerJob work, List<Integer> places, int requests, int classes) {
    UnlearnReport.Builder report = run.toBuilder().setJobId(job.getId()).setImages(job.getUnlearnImages())
        .clearSkippedImages().addAllSkippedImages(work.getSkippedImagesList())
        .clearPreparations().addAllPreparations(work.getPreparationsList());
    String together = "it was carried out by one run with " + (requests - 1) + " other request"
        + (requests == 2 ? "" : "s") + ", and the figures are of all of them together";
    if (places.isEmpty()) {
      return new MergedReport(report.addFindings(together).build(), ofClasses(run, job.getSpec().getGates(), classes));
    }
    report.clearImageFindings().clearWorstImage();
    if (run.getImageFindingsCount() <= places.stream().mapToInt(place -> place).max().orElse(0)) {
      return new MergedReport(report.addFindings(together).build(), Optional.of("of its own images nothing is known"));
    }
    List<ImageFinding> own = places.stream().map(run::getImageFindings).toList();
    report.addAllImageFindings(own).setWorstImage(IntStream.range(0, own.size()).boxed()
        .min((a, b) -> Double.compare(own.get(a).getWay(), own.get(b).getWay())).orElseThrow());
    double share = (double) own.stream().filter(ImageFinding::getNearerToSubstitute).count() / own.size();
    String words = String.format(Locale.ROOT, "of its own images %.0f %% are drawn nearer to their substitutes, at"
        + " latents that the audit found in the original", 100 * share);
    // As for a verdict: a request's gates make it stricter alone.
    double least = Math.max(JobContract.MIN_REDACTED_FRESH, job.getSpec().getGates().getMinRedactedFresh());
    return new MergedReport(report.addFindings(together + "; " + words).build(),
        share < least ? Optional.of(words) : Optional.empty());
  }

  /** As many pictures are judged of each class, so that of one class no larger share can be recognised than this. */
  private static Optional<String> ofClasses(UnlearnReport run, Gates gates, int classes) {
    double most = gates.hasMaxRecognised() ? Math.min(JobContract.MAX_RECOGNISED, gates.getMaxRecognised())
        : JobContract.MAX_RECOGNISED;
    double share = classes * Stream.of(run.getErasedRecognised(), run.getFormerRecognised(), run.getAroundRecognised())
        .mapToDouble(BeforeAfter::getAfter).max().orElse(0);
    return share > most ? Optional.of(String.format(Locale.ROOT, "of one of the %d classes up to %.1f %% may be"
        + " recognised, by the share of all together", classes, 100 * share)) : Optional.empty();
  }
}
