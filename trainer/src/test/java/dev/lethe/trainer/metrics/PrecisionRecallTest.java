package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PrecisionRecallTest {

  /**
   * On a line. Real vectors at 0, 1, 2, 4 reach to their third neighbours, as far as 4, 3, 2 and 4; together they take
   * up −4 to 8. Generated ones at 7, 8, 9, 10, 20 reach as far as 3, 2, 2, 3 and 12: 4 to 32.
   */
  @Test
  void aCaseWorkedOutByHand() {
    PrecisionRecall found = PrecisionRecall.of(line(0, 1, 2, 4), line(7, 8, 9, 10, 20));
    assertEquals(2 / 5.0, found.precision()); // 7 and 8, which lies on the border
    assertEquals(1 / 4.0, found.recall()); // 4, on the border as well
  }

  /** The same in the plane, where distances are no differences: √2, and 3-4-5. */
  @Test
  void distancesAreEuclidean() {
    // Each corner of a unit square has its third neighbour at the far corner, √2 away.
    PrecisionRecall.Vectors square = new PrecisionRecall.Vectors(new float[] {0, 0, 1, 0, 0, 1, 1, 1}, 2);
    // Of a rectangle of 3 by 4 at 5.
    PrecisionRecall.Vectors rectangle = new PrecisionRecall.Vectors(new float[] {2, 2, 5, 2, 2, 6, 5, 6}, 2);
    PrecisionRecall found = PrecisionRecall.of(square, rectangle);
    assertEquals(1 / 4.0, found.precision()); // (2, 2) is √2 from (1, 1); the next, (5, 2), is 4.1 away
    assertEquals(1, found.recall()); // all corners are within 5 of (2, 2)
  }

  @Test
  void equalSetsCoverEachOtherAndFarOnesDoNot() {
    float[] many = new float[900 * 3];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < many.length; i++) {
      many[i] = (float) random.nextGaussian();
    }
    float[] far = many.clone();
    for (int i = 0; i < far.length; i++) {
      far[i] += 100;
    }
    // More than a block of them.
    PrecisionRecall.Vectors set = new PrecisionRecall.Vectors(many, 3);
    assertEquals(new PrecisionRecall(1, 1), PrecisionRecall.of(set, new PrecisionRecall.Vectors(many, 3)));
    assertEquals(new PrecisionRecall(0, 0), PrecisionRecall.of(set, new PrecisionRecall.Vectors(far, 3)));
  }

  /** Samples of one mode of two are all good, and reach half of the images. */
  @Test
  void whatIsLeftOutCostsRecallAndNotPrecision() {
    PrecisionRecall found =
        PrecisionRecall.of(line(0, 1, 2, 3, 100, 101, 102, 103), line(0.5f, 1.5f, 2.5f, 3.5f));
    assertEquals(new PrecisionRecall(1, 0.5), found);
  }

  @Test
  void refusesWhatHasNoThirdNeighbour() {
    assertThrows(IllegalArgumentException.class, () -> line(0, 1, 2));
    assertThrows(IllegalArgumentException.class, () -> line(0, 1, 2, Float.NaN));
    PrecisionRecall.Vectors other = new PrecisionRecall.Vectors(new float[8], 2);
    assertThrows(IllegalArgumentException.class, () -> PrecisionRecall.of(line(0, 1, 2, 3), other));
  }

  private static PrecisionRecall.Vectors line(float... values) {
    return new PrecisionRecall.Vectors(values, 1);
  }
}
