package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class EstimateTest {

  @Test
  void theIntervalContainsTheValueAndNarrowsWithMoreImages() {
    SplittableRandom random = new SplittableRandom(1);
    Estimate few = Estimate.mean(random.doubles(16).toArray(), 0);
    Estimate many = Estimate.mean(random.doubles(1600).toArray(), 0);
    for (Estimate estimate : new Estimate[] {few, many}) {
      assertTrue(estimate.low() < estimate.value() && estimate.value() < estimate.high(), estimate::toString);
    }
    assertTrue(many.high() - many.low() < 0.3 * (few.high() - few.low()), few + " and " + many);
    // 1.96 standard errors of uniform numbers to either side.
    assertEquals(2 * 1.96 / Math.sqrt(12 * 1600), many.high() - many.low(), 0.005);
  }

  @Test
  void aShareOfAllOrNothingHasNoSpread() {
    assertEquals(new Estimate(1, 1, 1), Estimate.share(new boolean[] {true, true, true}, 3));
    assertEquals(new Estimate(0, 0, 0), Estimate.share(new boolean[2], 3));
    assertEquals(0.25, Estimate.share(new boolean[] {false, true, false, false}, 3).value());
  }

  @Test
  void theSeedDecides() {
    double[] values = new SplittableRandom(1).doubles(20).toArray();
    assertEquals(Estimate.mean(values, 4), Estimate.mean(values, 4));
    assertTrue(Estimate.mean(values, 4).low() != Estimate.mean(values, 5).low());
  }
}
