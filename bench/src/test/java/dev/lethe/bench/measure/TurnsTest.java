package dev.lethe.bench.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {

  private static final List<double[]> TURNS =
      List.of(new double[] {1, 2}, new double[] {10, 40}, new double[] {3, 9});

  @Test
  void mediansAreOverTurns() {
    assertEquals(3, Turns.median(TURNS, 0));
    assertEquals(9, Turns.median(TURNS, 1));
    assertEquals(2.5, Turns.median(List.of(1.0, 4.0, 2.0, 3.0), value -> value));
  }

  @Test
  void ratiosAreOfOneTurn() {
    // Of the medians it would be 3; a slow second turn must not count as a ratio.
    assertEquals(new Turns.Ratio(3, 2, 4), Turns.ratio(TURNS, 1, 0));
  }

  @Test
  void whatIsComparedRunsInTurn() {
    List<String> order = new ArrayList<>();
    List<double[]> millis = Turns.take(2, 0, () -> order.add("a"), () -> order.add("b"));
    assertEquals(List.of("a", "a", "b", "b", "a", "a", "b", "b", "a", "a", "b", "b"), order);
    assertEquals(2, millis.size());
    assertTrue(millis.stream().allMatch(turn -> turn.length == 2 && turn[0] >= 0));
  }
}
