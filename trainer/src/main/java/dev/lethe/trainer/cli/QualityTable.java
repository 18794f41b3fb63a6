package dev.lethe.trainer.cli;

import dev.lethe.models.bundle.ModelCard.Quality;
import java.util.Locale;
import java.util.Map;

/** Measured quality as a person reads it. */
final class QualityTable {

  private QualityTable() {}

  /** One figure a line; those that were not measured are left out. */
  static String of(Quality quality) {
    StringBuilder table = new StringBuilder();
    row(table, "samples", String.valueOf(quality.samples()));
    if (quality.labelAccuracy() != null) {
      row(table, "recognised as their label", rounded(4, quality.labelAccuracy()));
      Map.Entry<String, Double> worst =
          quality.labelAccuracyByClass().entrySet().stream().min(Map.Entry.comparingByValue()).orElseThrow();
      row(table, "worst class", rounded(4, worst.getValue()) + " (" + worst.getKey() + ")");
    }
    row(table, "FID to the test images", rounded(4, quality.fid()));
    row(table, "FID of real training images", rounded(4, quality.fidReal()));
    row(table, "ratio of the two", rounded(1, quality.fid() / quality.fidReal()));
    if (quality.featuresTestAccuracy() != null) {
      row(table, "classifier on the test images", rounded(4, quality.featuresTestAccuracy()));
    }
    return table.toString();
  }

  private static void row(StringBuilder table, String name, String value) {
    table.append(String.format("%-30s %s%n", name, value));
  }

  private static String rounded(int digits, double value) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
