package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.trainer.audit.BeforeAfter;
import dev.lethe.trainer.audit.Estimate;
import dev.lethe.trainer.audit.Relearned;
import dev.lethe.trainer.audit.UtilityFindings;
import dev.lethe.trainer.metrics.PrecisionRecall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Figures of an audit, as far as the page and the CSV file show them. */
class ResultPageTest {

  @TempDir
  private Path directory;

  @Test
  void whatAnAuditFoundIsOnThePage() throws IOException {
    String table = table(result(0, figures(OptionalInt.of(40), 0.75)));
    assertEquals("40", cell(table, "relearned, steps"));
    assertEquals("5 → 75", cell(table, "back, %"));
    assertEquals("40 → 60", cell(table, "close, %"));
    assertEquals("> 100", cell(table, "relearned with some, steps"));
    assertEquals("90 → 80", cell(table, "never-seen then, %"));
    assertEquals("70 → 60", cell(table, "precision, %"));
    assertEquals("50 → 40", cell(table, "recall, %"));
    assertEquals("99.0 → 98.5", cell(table, "ACC, %"));
    String csv = Files.readString(directory.resolve("page.csv"));
    List<String> names = List.of(csv.lines().toList().get(0).split(","));
    List<String> values = List.of(csv.lines().toList().get(1).split(",", -1));
    Map.of("relearn_staying_steps", "40.0000", "relearn_given_limit", "100.000", "relearn_given_images", "4.00000",
        "precision", "0.600000", "recall_before", "0.500000", "kept_recognised", "0.985000")
        .forEach((name, value) -> assertEquals(value, values.get(names.indexOf(name)), name));
    assertTrue(csv.lines().toList().get(1).endsWith(",\"\",\"2026-01-01\",\"here\""), csv);
  }

  @Test
  void whereSomeSeedsTakeMoreThanTheLimitThatIsSaid() throws IOException {
    String table = table(result(0, figures(OptionalInt.of(40), 0.75)), result(1, figures(OptionalInt.empty(), 0.25)),
        result(2, figures(OptionalInt.of(60), 0.5)));
    assertEquals("50 ± 14, > 100 in 1 of 3", cell(table, "relearned, steps"));
    assertEquals("5 → 50 ± 25", cell(table, "back, %"));
  }

  /** Results that were stored before there were these figures. */
  @Test
  void whatARunHasNotIsADash() throws IOException {
    String table = table(result(0, Map.of("own", 1.0)));
    for (String title : List.of("relearned, steps", "back, %", "relearned with some, steps", "precision, %",
        "recall, %", "ACC, %", "never-seen then, %")) {
      assertEquals("–", cell(table, title), title);
    }
    assertEquals("100", cell(table, "own, %"));
  }

  private static Map<String, Double> figures(OptionalInt steps, double back) {
    Relearned.Attack staying = new Relearned.Attack(0, steps, change(0.05, back), change(0.4, 0.6), Optional.empty());
    Relearned.Attack given =
        new Relearned.Attack(4, OptionalInt.empty(), change(0.05, 0.1), change(0.4, 0.5),
            Optional.of(change(0.9, 0.8)));
    return new Figures()
        .add(new Relearned(100, new Relearned.Attackers(staying, Optional.of(given)), Optional.empty()))
        .add(new UtilityFindings(new BeforeAfter<>(8.0, 9.0),
            Optional.of(new BeforeAfter<>(new PrecisionRecall(0.7, 0.5), new PrecisionRecall(0.6, 0.4))),
            Optional.of(new BeforeAfter<>(0.99, 0.985)))).all();
  }

  private static BeforeAfter<Estimate> change(double before, double after) {
    return new BeforeAfter<>(new Estimate(before, before, before), new Estimate(after, after, after));
  }

  private static ExperimentResult result(long seed, Map<String, Double> figures) {
    return new ExperimentResult(Experiment.items(64).with(Experiment.Method.NOTHING).seed(seed), true, figures,
        List.of(), List.of(), "2026-01-01", "here");
  }

  private String table(ExperimentResult... results) throws IOException {
    return new ResultPage(directory, "page", "tiny", "evaluate", Map.of(), List.of(results)).write();
  }

  /** In the first row. */
  private static String cell(String table, String title) {
    List<String> lines = table.lines().toList();
    List<String> titles = Arrays.stream(lines.get(0).split("\\|")).map(String::strip).toList();
    assertTrue(titles.contains(title), table);
    return lines.get(2).split("\\|")[titles.indexOf(title)].strip();
  }
}
