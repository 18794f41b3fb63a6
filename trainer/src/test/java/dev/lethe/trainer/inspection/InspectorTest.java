package dev.lethe.trainer.inspection;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class InspectorTest {

  /** The worst of some dozens is no stranger: a digit that the shipped model was trained on has an error of 0.09. */
  @Test
  void aStrangerIsDrawnFarWorseThanTheWorstOfTheOthers() {
    double[] others = {0.004, 0.019, 0.03, 0.08};
    assertFalse(Inspector.isStranger(0.019, others));
    assertFalse(Inspector.isStranger(0.0907, others));
    assertTrue(Inspector.isStranger(0.4086, others));
  }
}
