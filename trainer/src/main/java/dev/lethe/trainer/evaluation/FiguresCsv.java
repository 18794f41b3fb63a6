package dev.lethe.trainer.evaluation;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * All figures of all runs as CSV, a column for each name that a run has; the column of what a run has not is empty. The
 * last ones say why it is not forgotten, and when and on what machine it was made.
 */
final class FiguresCsv {

  /**
   * @param run what was run, and its seed, with a comma between
   * @param reasons why it is not forgotten
   */
  record Row(String run, boolean forgotten, Map<String, Double> figures, List<String> reasons, String date,
      String machine) {}

  private FiguresCsv() {}

  /** @param what the name of the first column; the next are the seed's and the verdict's */
  static String of(String what, List<Row> rows) {
    Set<String> names = new LinkedHashSet<>();
    rows.forEach(row -> names.addAll(row.figures.keySet()));
    StringBuilder csv = new StringBuilder(what).append(",seed,verdict,").append(String.join(",", names))
        .append(",reasons,date,machine\n");
    for (Row row : rows) {
      csv.append(row.run).append(',').append(row.forgotten ? "forgotten" : "not forgotten");
      names.forEach(name -> {
        Double value = row.figures.get(name);
        csv.append(',').append(value == null ? "" : String.format(Locale.ROOT, "%.6g", value));
      });
      Stream.of(String.join("; ", row.reasons), row.date, row.machine)
          .forEach(text -> csv.append(",\"").append(text.replace("\"", "\"\"")).append('"'));
      csv.append('\n');
    }
    return csv.toString();
  }
}
