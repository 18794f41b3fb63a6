package dev.lethe.bench.device;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** What was measured as Markdown: a table for each step, with the columns that its rows have. */
final class DevicePage {

  private final String head;
  private final Map<Step, List<Figures>> rows = new EnumMap<>(Step.class);

  /**
   * @param command that made it
   * @param machine device and processor
   */
  DevicePage(String command, String date, String machine) {
    head = "# Lethe on one device\n\nMade by `" + command + "` on " + date + ", on " + machine
        + ". Each step runs in a process of its own; times are medians after runs that warm up.\n";
  }

  /** Adds a row to the table of its step. */
  void add(Step step, Figures row) {
    rows.computeIfAbsent(step, none -> new ArrayList<>()).add(row);
  }

  @Override
  public String toString() {
    StringBuilder page = new StringBuilder(head);
    rows.forEach((step, figures) -> {
      page.append("\n## ").append(step.title()).append("\n\n").append(step.explanation()).append("\n\n");
      Set<String> columns = new LinkedHashSet<>();
      figures.forEach(row -> columns.addAll(row.cells().keySet()));
      // What is not told of all rows comes last.
      if (columns.remove(Figures.NOTE)) {
        columns.add(Figures.NOTE);
      }
      page.append("| ").append(String.join(" | ", columns)).append(" |\n|").append(" --- |".repeat(columns.size()))
          .append('\n');
      for (Figures row : figures) {
        StringJoiner line = new StringJoiner(" | ", "| ", " |\n");
        columns.forEach(column -> line.add(row.cells().containsKey(column)
            ? Figures.text(row.cells().get(column)).replace("|", "\\|").replaceAll("\\s+", " ") : ""));
        page.append(line);
      }
    });
    return page.toString();
  }
}
