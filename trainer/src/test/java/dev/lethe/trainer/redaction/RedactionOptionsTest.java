package dev.lethe.trainer.redaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class RedactionOptionsTest {

  @Test
  void moreImagesHaveAsManyTimesMoreSteps() {
    RedactionOptions usual = RedactionOptions.ITEMS;
    assertSame(usual, usual.forImages(1));
    assertSame(usual, usual.forImages(64));
    RedactionOptions four = usual.forImages(256);
    assertEquals(4 * usual.steps(), four.steps());
    assertEquals(4 * usual.plannedSteps(), four.plannedSteps());
    assertEquals(usual.moving(), four.moving());
    assertEquals(usual.steps() + 10, usual.forImages(65).steps());
  }

  @Test
  void aLaterJobHoldsMoreThatStays() {
    RedactionOptions usual = RedactionOptions.ITEMS;
    RedactionOptions later = usual.forLaterJob();
    assertEquals(usual.anchors() * 3 / 2, later.anchors());
    assertEquals(usual.random() * 3 / 2, later.random());
    assertEquals(usual.steps(), later.steps());
  }
}
