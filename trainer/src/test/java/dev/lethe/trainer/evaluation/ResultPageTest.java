package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.trainer.evaluation.CellResult.Audit;
import dev.lethe.trainer.evaluation.CellResult.Point;
import dev.lethe.trainer.evaluation.CellResult.Values;
import dev.lethe.trainer.session.Effort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultPageTest {

  @TempDir private Path directory;

  @Test
  void showsMeanAndSpreadOfEveryChoiceAndEveryPictureExists() throws IOException {
    List<CellResult> results = Suite.PAPER.cells().stream().map(ResultPageTest::result).toList();
    String headline = new ResultPage(directory, "mnist", "./lethe evaluate --suite paper", results).write();
    assertTrue(headline.contains("| 64 images, few-shot | 0.500 → 0.960 ± 0.010 |"), headline);
    assertTrue(headline.contains("| 10.00 → 11.00 ± 0.00 | 1.100 ± 0.000 |"), headline);
    String page = Files.readString(directory.resolve("mnist.md"));
    for (String title : List.of("Substitutes", "Fake labels", "Number of images", "Weight of the perceptual loss",
        "Classes", "An overfitted base", "Baselines", "On the way", "Long runs", "Where the time goes")) {
      assertTrue(page.contains("## " + title + "\n"), title);
    }
    assertTrue(page.contains("| inversion's steps | 64 ± 0 | 5.0 ± 0.0 | 25 % | 2.00 ± 0.00 | 26 ± 0 % |"), page);
    Matcher pictures = Pattern.compile("!\\[]\\(([^)]+)\\)").matcher(page);
    int count = 0;
    while (pictures.find()) {
      assertTrue(ImageIO.read(directory.resolve(pictures.group(1)).toFile()).getWidth() > 100);
      count++;
    }
    assertEquals(10, count);
    List<String> lines = Files.readAllLines(directory.resolve("mnist.csv"));
    assertEquals(results.size() + 1, lines.size());
    int columns = lines.get(0).split(",", -1).length;
    assertTrue(lines.stream().allMatch(line -> line.split(",", -1).length == columns));
  }

  @Test
  void resultsAreReadAsTheyWereWritten() throws IOException {
    ResultStore store = new ResultStore(directory.resolve("results"));
    CellResult result = result(Cell.item().measures(3).thoroughly());
    assertTrue(store.find(result.cell()).isEmpty());
    store.write(result);
    assertEquals(result, store.find(result.cell()).orElseThrow());
    assertTrue(store.find(result.cell().seed(1)).isEmpty());
  }

  private static CellResult result(Cell cell) {
    Values before = new Values(0.5, 0.5, 0.5, 10, 100, 0.92, null, null, 0.99);
    Values after = new Values(0.95 + 0.01 * cell.seed(), 0.3, 0.5, 11, 101, 0.91, null, null, 0.98);
    List<Point> curve = cell.measures() == 0 ? List.of()
        : List.of(new Point(10, 5, 0.8, 10), new Point(20, 10, 0.9, 11));
    return new CellResult(cell, "images", 20, 6, 4000, -1, before, after,
        cell.thorough() ? new Audit(0.02, 0.03, 0.03) : null,
        Map.of("inversion", new Effort(64, 5, 64e9), "generator", new Effort(50, 8, 50e9),
            "discriminator", new Effort(400, 4, 4e9)), 50e9, curve, "2026-01-01", "a machine");
  }
}
