package dev.lethe.trainer.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TimeLeftTest {

  private static final long SECOND = 1_000_000_000;

  @Test
  void whatIsLeftTakesAsLongAsWhatWasDone() {
    TimeLeft left = new TimeLeft(5 * SECOND);
    assertEquals(OptionalDouble.empty(), left.seconds(0, 6 * SECOND));
    assertEquals(OptionalDouble.empty(), left.seconds(0.01, 7 * SECOND));
    assertEquals(30, left.seconds(0.25, 15 * SECOND).orElseThrow(), 1e-9);
    assertEquals(0, left.seconds(1, 45 * SECOND).orElseThrow(), 1e-9);
  }

  /** Of 80 % that another worker has done it knows nothing. */
  @Test
  void aWorkerThatCarriesOnGoesByItsOwnPace() {
    TimeLeft left = new TimeLeft(0);
    assertEquals(OptionalDouble.empty(), left.seconds(0.8, 2 * SECOND));
    assertEquals(10, left.seconds(0.9, 10 * SECOND).orElseThrow(), 1e-9);
  }
}
