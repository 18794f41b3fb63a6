package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RedactionRunTest {

  @Test
  void oneImageThatIsHalfWayThereAfterTenStepsGoesOn() {
    RedactionRun.Shares halfWay = shares(1, 1, 0);
    assertFalse(halfWay.enough(10 / 220.0));
    assertFalse(halfWay.enough(60 / 220.0));
    assertTrue(halfWay.enough(110 / 220.0));
  }

  @Test
  void itEndsSoonerWhereAllHaveGoneFar() {
    RedactionRun.Shares far = shares(1, 1, 1);
    assertFalse(far.enough(50 / 220.0));
    assertTrue(far.enough(60 / 220.0));
  }

  @Test
  void theMarginIsNotAskedForOnceTheLearningRateHasFallen() {
    RedactionRun.Shares near = shares(1, 0.9, 0);
    assertFalse(near.enough(0.9));
    assertTrue(near.enough(1));
  }

  @Test
  void itDoesNotEndWhileTheJobsOwnLatentsDrawTheImages() {
    assertFalse(new RedactionRun.Shares(0.9, 1, 1, 1, 0.04, new double[0]).enough(2));
  }

  private static RedactionRun.Shares shares(double watched, double clear, double far) {
    return new RedactionRun.Shares(1, watched, clear, far, 0.04, new double[0]);
  }
}
