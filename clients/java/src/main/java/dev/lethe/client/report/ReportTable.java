package dev.lethe.client.report;

import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.console.Table;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.Redaction;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.UnlearnReport;
import java.util.Locale;

/** A report in plain words: each value before and after, and how to read it. */
public final class ReportTable {

  private ReportTable() {}

  /** The verdict in one line, with its reasons or else its findings; empty of a report without one. */
  public static String verdict(UnlearnReport report) {
    if (report.getVerdict().isEmpty()) {
      return "";
    }
    return report.getVerdict() + ": "
        + String.join("; ", report.getReasonsCount() > 0 ? report.getReasonsList() : report.getFindingsList());
  }

  public static Table of(UnlearnReport report) {
    Table table = new Table("measured", "before", "after", "how to read it");
    if (report.hasRedaction()) {
      redaction(table, report);
    }
    if (report.hasErasedRecognised()) {
      row(table, "erased labels", report.getErasedRecognised(), "%.3f",
          "share of the images made for the erased labels that show them; must go to 0");
    }
    if (report.hasFormerRecognised()) {
      row(table, "at their former w", report.getFormerRecognised(), "%.3f",
          "the same of the w that these labels led to before, which a client may have kept; must go to 0");
    }
    if (report.hasAroundRecognised()) {
      row(table, "at w around those", report.getAroundRecognised(), "%.3f", "must go to 0");
    }
    if (report.hasReinvertedRecognised()) {
      row(table, "found by an attack in W", report.getReinvertedRecognised(), "%.3f",
          "share of real images of the class that are found again; a model that never saw it also draws some");
    }
    if (report.hasKeptRecognised()) {
      row(table, "kept labels seen", report.getKeptRecognised(), "%.3f",
          "share of the images made for the other labels that show these; must stay");
    }
    if (report.hasAcc()) {
      row(table, "classifier accuracy", report.getAcc(), "%.3f",
          "of a classifier trained on generated images, tested on real ones; must stay");
    }
    if (report.hasFidRoot()) {
      row(table, "FID against the root", report.getFidRoot(), "%.2f",
          "of samples of the version that no unlearning has touched, and of this one; must stay");
    }
    if (report.hasAucLu()) {
      row(table, "D: kept or unlearned", report.getAucLu(), "%.3f",
          "the discriminator scores a kept image above an unlearned one; says nothing of the generator");
    }
    if (report.hasAucUt()) {
      row(table, "D: unlearned or unseen", report.getAucUt(), "%.3f",
          "it scores an unlearned image above one never seen: 0.5 tells nothing, 0 or 1 brands the images");
    }
    ReinversionMse errors = report.getReinversionMse();
    if (errors.hasUnlearnedAfter()) {
      table.row("re-inversion error", number("%.4f", errors.getUnlearnedBefore()),
          number("%.4f", errors.getUnlearnedAfter()), "of the nearest that an attack finds for the unlearned images"
              + (errors.hasNeverSeen() ? "; images it never saw: " + number("%.4f", errors.getNeverSeen()) : ""));
    }
    if (report.getRetrainSeconds() > 0) {
      table.row("time", ProgressLine.duration(report.getRetrainSeconds()), ProgressLine.duration(report.getSeconds()),
          "retraining from scratch (estimated by a burst of steps) against unlearning: "
              + number("%.0f", report.getSpeedup()) + " times faster; without the audit's "
              + ProgressLine.duration(report.getAuditSeconds()));
    }
    return table;
  }

  private static void redaction(Table table, UnlearnReport report) {
    Redaction redaction = report.getRedaction();
    row(table, "redacted, job's latents", redaction.getOwn(), "%.2f",
        "share of the images drawn nearer to a substitute than to themselves, where the job found them; must go to 1");
    row(table, "redacted, fresh latents", redaction.getFresh(), "%.2f",
        "the same where the audit found them in the original by a search of its own; must go to 1");
    row(table, "redacted, after an attack", redaction.getCandidate(), "%.2f",
        "the same of the nearest that the audit finds in the new version; images never seen are no better redacted");
    if (report.getCollateral().hasMembers()) {
      table.row("collateral", "0", number("%.2f", report.getCollateral().getMembers()),
          "part of the way to substitutes of theirs that images which stay have moved; must stay near 0");
    }
    if (report.getMembership().hasW()) {
      row(table, "membership AUC", report.getMembership().getW(), "%.2f",
          "an attack tells unlearned images from unseen ones by how well they are drawn; 0.5 tells nothing");
    }
  }

  private static void row(Table table, String measured, BeforeAfter value, String format, String meaning) {
    table.row(measured, number(format, value.getBefore()), number(format, value.getAfter()), meaning);
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
