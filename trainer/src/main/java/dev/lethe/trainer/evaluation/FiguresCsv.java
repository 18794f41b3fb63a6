package dev.lethe.trainer.evaluation;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** All figures of all runs as CSV, a column for each name that a run has; the column of what a run has not is empty. */
final class FiguresCsv {

  /** @param run what was run, and its seed, with a comma between */
  record Row(String run, boolean forgotten, Map<String, Double> figures) {}

  private FiguresCsv() {}

  /** @param what the name of the first column; the next are the seed's and the verdict's */
  static String of(String what, List<Row> rows) {
    Set<String> names = new LinkedHashSet<>();
    rows.forEach(row -> names.addAll(row.figures.keySet()));
    StringBuilder csv = new StringBuilder(what).append(",seed,verdict,").append(String.join(",", names)).append('\n');
    for (Row row : rows) {
      csv.append(row.run).append(',').append(row.forgotten ? "forgotten" : "not forgotten");
      names.forEach(name -> {
        Double value = row.figures.get(name);
        csv.append(',').append(value == null ? "" : String.format(Locale.ROOT, "%.6g", value));
      });
      csv.append('\n');
    }
    return csv.toString();
  }
}
