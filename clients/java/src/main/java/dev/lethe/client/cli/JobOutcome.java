package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.OptionWords;
import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.report.ReportTable;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Follows a job on the console to its end and turns the end into an exit code. */
final class JobOutcome {

  /** Measured, and not promoted: a candidate lies on the server's disk, the old version serves. */
  static final int NOT_PROMOTED = 3;
  private static final Pattern PLACE = Pattern.compile("(unlearn|learn) images\\[(\\d{1,7})]");

  private final Console console;
  private final boolean quiet;

  /** @param quiet without progress */
  JobOutcome(Console console, boolean quiet) {
    this.console = console;
    this.quiet = quiet;
  }

  /** Shows progress; returns the ended job. */
  Job follow(LetheClient lethe, String jobId) {
    if (quiet) {
      return lethe.watch(jobId, now -> { });
    }
    ProgressLine progress = new ProgressLine(console);
    try {
      return lethe.watch(jobId, progress::update);
    } finally {
      progress.end();
    }
  }

  /**
   * Prints an ended job.
   *
   * @return 0 when the job did what was asked, 1 when it failed or was cancelled, {@link #NOT_PROMOTED}
   */
  int report(Job job) {
    return report(job, List.of(), List.of());
  }

  /** The same by one who knows what the images are called: a report does not, for names tell of people. */
  int report(Job job, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    if (job.hasReport()) {
      ReportTable.of(job.getReport()).print(console.out());
      if (!job.getReport().getVerdict().isEmpty()) {
        console.out().println();
        console.out().println("Verdict: " + ReportTable.verdict(job.getReport()));
      }
      if (job.getReport().getSkippedImagesCount() > 0) {
        console.out().println("Left out: images " + (unlearn.isEmpty() ? job.getReport().getSkippedImagesList()
            : job.getReport().getSkippedImagesList().stream().map(i -> unlearn.get(i).getName()).toList()));
      }
      job.getReport().getPreparationsList().stream().map(line -> named(line, unlearn, learn))
          .forEach(console.out()::println);
      job.getReport().getNotesList().forEach(console.out()::println);
    }
    if (job.getState() == JobState.JOB_STATE_SUCCEEDED) {
      succeeded(job);
    }
    return end(job);
  }

  /** A line with an image's place in the upload at its beginning, with its name in place of that. */
  static String named(String line, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    Matcher place = PLACE.matcher(line);
    if (!place.lookingAt()) {
      return line;
    }
    List<LabelledImage> images = place.group(1).equals("unlearn") ? unlearn : learn;
    int index = Integer.parseInt(place.group(2));
    return index >= images.size() || images.get(index).getName().isEmpty() ? line
        : images.get(index).getName() + line.substring(place.end());
  }

  /** The exit code of {@link #report}, with a line of what failed. */
  int end(Job job) {
    return switch (job.getState()) {
      case JOB_STATE_SUCCEEDED -> job.getPromoted() || job.getSpec().getKeepAsCandidate() && isForgotten(job) ? 0
          : NOT_PROMOTED;
      case JOB_STATE_FAILED -> {
        console.err().println("lethe: job " + job.getId() + " failed: "
            + new OptionWords(UnlearnCommand::hasOption).of(job.getMessage()));
        yield 1;
      }
      case JOB_STATE_CANCELLED -> {
        console.err().println("lethe: job " + job.getId() + " was cancelled");
        yield 1;
      }
      case JOB_STATE_UNSPECIFIED, JOB_STATE_QUEUED, JOB_STATE_RUNNING, UNRECOGNIZED ->
          throw new IllegalArgumentException("job " + job.getId() + " has not ended");
    };
  }

  /** Or nothing says that it is not: classes of some models are not audited. */
  private static boolean isForgotten(Job job) {
    String verdict = job.getReport().getVerdict();
    return verdict.isEmpty() || verdict.equals("forgotten");
  }

  private void succeeded(Job job) {
    if (job.getPromoted()) {
      console.out().println("Version " + job.getNewVersion() + " serves now, in place of " + job.getBaseVersion()
          + ".");
      return;
    }
    String candidate = "Version " + job.getNewVersion() + " is a candidate; " + job.getBaseVersion() + " still serves";
    console.out().println(job.getMessage().isEmpty() ? candidate + "." : candidate + ": " + job.getMessage());
  }
}
