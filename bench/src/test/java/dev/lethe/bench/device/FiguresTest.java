package dev.lethe.bench.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void aRowIsTheSameAfterItsTripThroughJson() {
    Figures row = Figures.of("model", "MNIST, 32×32", Figures.BATCH, 16L, Figures.MILLIS, 1.25e-3);
    assertEquals(row, Figures.parse(row.json()));
  }

  @Test
  void numbersAreShortAndCountsWhole() {
    assertEquals("16", Figures.text(16L));
    assertEquals("1,235", Figures.text(1234.6));
    assertEquals("0.123", Figures.text(0.1234));
    assertEquals("1.2e-05", Figures.text(0.0000123));
  }

  @Test
  void aTableHasTheColumnsOfAllItsRowsAndNotesLast() {
    DevicePage page = new DevicePage("./lethe bench device", "2026-01-01", "a machine");
    page.add(Step.TRAINING, Figures.of(Figures.NOTE, "failed: a | b\nc"));
    page.add(Step.TRAINING, Figures.of("learner", "ort", Figures.BATCH, 8L));
    String text = page.toString();
    assertTrue(text.contains("| learner | batch | note |\n| --- | --- | --- |\n|  |  | failed: a \\| b c |\n| ort | "
        + "8 |  |"),
        text);
  }

  @Test
  void differencesAreRelativeAndWhatIsNoNumberIsSeen() {
    Tensor expected = Tensor.of(new float[] {3, -4}, 2);
    assertEquals(0.5, Agreement.largest(Tensor.of(new float[] {3, -2}, 2), expected));
    assertEquals(0.4, Agreement.rms(Tensor.of(new float[] {3, -2}, 2), expected), 1e-9);
    assertTrue(Double.isNaN(Agreement.largest(Tensor.of(new float[] {Float.NaN, -4}, 2), expected)));
  }
}
