package dev.lethe.trainer.evaluation;

import dev.lethe.trainer.evaluation.CellResult.Audit;
import dev.lethe.trainer.evaluation.CellResult.Values;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Results side by side: a row for each choice, the mean and spread over its seeds in each column. */
final class ResultTable {

  private record Column(String name, Function<List<CellResult>, String> value) {}

  private static final String NOTHING = Spread.of(List.of()).format(0);

  private static final List<Column> COLUMNS = List.of(
      new Column("AUC_lu", rows -> change(rows, Values::aucLu, 3)),
      new Column("AUC_ut", rows -> change(rows, Values::aucUt, 3)),
      new Column("AUC_lt", rows -> change(rows, Values::aucLt, 3)),
      new Column("FID_l", rows -> change(rows, Values::fidL, 2)),
      new Column("FID_l ratio", rows -> spread(rows, CellResult::fidRatio, 3)),
      new Column("FID_u", rows -> change(rows, Values::fidU, 2)),
      new Column("ACC, %", rows -> change(rows, v -> percent(v.acc()), 2)),
      new Column("erased seen, %", rows -> change(rows, v -> percent(v.erasedRecognised()), 2)),
      new Column("at its former latents, %", rows -> change(rows, v -> percent(v.formerRecognised()), 2)),
      new Column("kept seen, %", rows -> change(rows, v -> percent(v.keptRecognised()), 2)),
      new Column("re-inversion (never seen)", ResultTable::audit),
      new Column("seconds", rows -> spread(rows, CellResult::seconds, 1)),
      new Column("speedup", rows -> spread(rows, CellResult::speedup, 0)));

  private ResultTable() {}

  /** Results by what they have in common but the seed, in order. */
  static Map<String, List<CellResult>> grouped(List<CellResult> results) {
    Map<String, List<CellResult>> groups = new LinkedHashMap<>();
    results.forEach(result -> groups.computeIfAbsent(result.cell().group(), g -> new ArrayList<>()).add(result));
    return groups;
  }

  /**
   * A Markdown table; columns without a value in any row are left out.
   *
   * @param first what the first column is called
   * @param name of a row, by any of its results
   */
  static String markdown(List<CellResult> results, String first, Function<Cell, String> name) {
    List<List<CellResult>> rows = List.copyOf(grouped(results).values());
    List<Column> columns = COLUMNS.stream()
        .filter(column -> rows.stream().anyMatch(row -> !column.value.apply(row).equals(NOTHING))).toList();
    StringBuilder table = new StringBuilder("| " + first + " |");
    columns.forEach(column -> table.append(' ').append(column.name).append(" |"));
    table.append("\n| --- |").append(" --- |".repeat(columns.size())).append('\n');
    for (List<CellResult> row : rows) {
      table.append("| ").append(name.apply(row.get(0).cell())).append(" |");
      columns.forEach(column -> table.append(' ').append(column.value.apply(row)).append(" |"));
      table.append('\n');
    }
    return table.toString();
  }

  private static Double percent(Double share) {
    return share == null ? null : 100 * share;
  }

  private static String spread(List<CellResult> rows, Function<CellResult, Double> value, int digits) {
    return Spread.of(rows.stream().map(value).toList()).format(digits);
  }

  /** Before → after, the spread of the latter. */
  private static String change(List<CellResult> rows, Function<Values, Double> value, int digits) {
    Spread after = Spread.of(rows.stream().map(row -> value.apply(row.after())).toList());
    if (after.count() == 0) {
      return NOTHING;
    }
    Spread before = Spread.of(rows.stream().map(row -> value.apply(row.before())).toList());
    return new Spread(before.mean(), 0, Math.min(1, before.count())).format(digits) + " → " + after.format(digits);
  }

  private static String audit(List<CellResult> rows) {
    List<Audit> audits = rows.stream().map(CellResult::audit).filter(a -> a != null).toList();
    if (audits.isEmpty()) {
      return NOTHING;
    }
    return new Spread(Spread.of(audits.stream().map(Audit::unlearnedBefore).toList()).mean(), 0, 1).format(4) + " → "
        + Spread.of(audits.stream().map(Audit::unlearnedAfter).toList()).format(4) + " ("
        + new Spread(Spread.of(audits.stream().map(Audit::neverSeen).toList()).mean(), 0, 1).format(4) + ")";
  }
}
