package dev.lethe.trainer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {

  @Test
  void isTheSampleStandardDeviation() {
    Spread spread = Spread.of(List.of(2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0));
    assertEquals(5, spread.mean());
    assertEquals(Math.sqrt(32 / 7.0), spread.deviation(), 1e-12);
    assertEquals("5.0 ± 2.1", spread.format(1));
  }

  @Test
  void valuesThatWereNotMeasuredDoNotCount() {
    assertEquals(new Spread(3, 0, 1), Spread.of(Arrays.asList(null, 3.0, null)));
    assertEquals("3.00", Spread.of(List.of(3.0)).format(2));
    assertEquals("–", Spread.of(Arrays.asList((Double) null)).format(2));
  }
}
