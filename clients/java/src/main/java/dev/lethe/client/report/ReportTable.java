package dev.lethe.client.report;

import dev.lethe.client.console.ProgressLine;
import dev.lethe.client.console.Table;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.UnlearnReport;
import java.util.Locale;

/** A report in plain words: each value before and after, and how to read it. */
public final class ReportTable {

  private ReportTable() {}

  public static Table of(UnlearnReport report) {
    Table table = new Table("measured", "before", "after", "how to read it");
    row(table, "membership AUC", report.getAucLu(), "%.3f",
        "0.5: the discriminator rates unlearned and kept images alike; towards 1: it gave the unlearned ones up");
    row(table, "FID, kept images", report.getFidL(), "%.2f", "distance of generated images from kept ones; must stay");
    row(table, "FID, unlearned images", report.getFidU(), "%.2f", "the same from unlearned ones; may rise");
    if (report.hasAucUt()) {
      row(table, "AUC against unseen", report.getAucUt(), "%.3f",
          "0.5: the discriminator rates unlearned images as it rates images that the model never saw");
    }
    if (report.hasErasedRecognised()) {
      row(table, "erased classes seen", report.getErasedRecognised(), "%.3f",
          "share of the images made for the erased labels that show them, by the networks themselves; must go to 0");
    }
    if (report.hasFormerRecognised()) {
      row(table, "at their former latents", report.getFormerRecognised(), "%.3f",
          "the same of the w that these labels led to before: only for who kept such a w");
    }
    if (report.hasKeptRecognised()) {
      row(table, "kept labels seen", report.getKeptRecognised(), "%.3f",
          "share of the images made for the other labels that show these; must stay");
    }
    if (report.hasAcc()) {
      row(table, "classifier accuracy", report.getAcc(), "%.3f",
          "of a classifier trained on generated images, tested on real ones; must stay");
    }
    ReinversionMse errors = report.getReinversionMse();
    if (errors.hasUnlearnedAfter()) {
      table.row("re-inversion error", number("%.4f", errors.getUnlearnedBefore()),
          number("%.4f", errors.getUnlearnedAfter()), "how badly the generator can redraw the unlearned images"
              + (errors.hasNeverSeen() ? "; images it never saw: " + number("%.4f", errors.getNeverSeen()) : ""));
    }
    if (report.getRetrainSeconds() > 0) {
      table.row("time", ProgressLine.duration(report.getRetrainSeconds()), ProgressLine.duration(report.getSeconds()),
          "retraining from scratch against unlearning: " + number("%.0f", report.getSpeedup()) + " times faster");
    }
    return table;
  }

  private static void row(Table table, String measured, BeforeAfter value, String format, String meaning) {
    table.row(measured, number(format, value.getBefore()), number(format, value.getAfter()), meaning);
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
