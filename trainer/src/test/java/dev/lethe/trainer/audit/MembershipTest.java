package dev.lethe.trainer.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MembershipTest {

  @Test
  void lessErrorThanAnythingUnseenIsCertain() {
    Membership found = Membership.of(new double[] {0.01, 0.02}, new double[] {0.1, 0.2, 0.3}, 0);
    assertEquals(new Estimate(1, 1, 1), found.auc());
    assertEquals(new Estimate(1, 1, 1), found.truePositiveRate());
    Membership reverse = Membership.of(new double[] {0.4, 0.5}, new double[] {0.1, 0.2, 0.3}, 0);
    assertEquals(0, reverse.auc().value());
    assertEquals(0, reverse.truePositiveRate().value());
  }

  @Test
  void theSameErrorsTellNothing() {
    double[] errors = new SplittableRandom(1).doubles(400).toArray();
    Membership found = Membership.of(errors, errors, 0);
    assertEquals(0.5, found.auc().value(), 1e-6);
    assertTrue(found.auc().low() < 0.5 && found.auc().high() > 0.5);
    assertEquals(0.01, found.truePositiveRate().value(), 1e-9);
  }

  /** Of 200 unseen images two may lie below: errors 1 to 200, so that the threshold is the third. */
  @Test
  void theThresholdLetsOnePercentOfTheUnseenPass() {
    double[] unseen = IntStream.rangeClosed(1, 200).mapToDouble(i -> i).toArray();
    Membership found = Membership.of(new double[] {0.5, 2.9, 3, 50}, unseen, 0);
    assertEquals(0.5, found.truePositiveRate().value());
  }

  /** Fewer than a hundred admit none. */
  @Test
  void ofFewUnseenImagesNoneMayLieBelow() {
    Membership found = Membership.of(new double[] {0.5, 1.5}, new double[] {1, 2, 3}, 0);
    assertEquals(0.5, found.truePositiveRate().value());
  }
}
