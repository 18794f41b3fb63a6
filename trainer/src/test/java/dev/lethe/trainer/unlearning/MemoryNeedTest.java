package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.redaction.RedactionOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryNeedTest {

  private static final long GIB = 1L << 30;

  private static MemoryNeed need(int resolution, int channelBase, RedactionOptions options) {
    return MemoryNeed.of(new StyleGan2Config(resolution, 3, 0, 512, 512, 8, channelBase, 512), options);
  }

  /**
   * Largest resident sets of processes that took three steps of a redaction and nothing else, by
   * scripts/RedactionStep.java: a job holds more beside.
   */
  @ParameterizedTest
  @CsvSource({"128, 4, 4.05", "128, 8, 7.13", "256, 4, 7.21"})
  void isAboveWhatWasMeasuredAndNotFarAbove(int resolution, int batch, double gib) {
    RedactionOptions usual = RedactionOptions.ITEMS;
    double estimate = need(resolution, 16384, new RedactionOptions(3, 3, batch, 2 * batch, 2 * batch,
        usual.learningRate(), usual.movingWeight(), usual.followingRate(), RedactionOptions.ALL_LAYERS)).bytes()
        / (double) GIB;
    assertTrue(estimate > gib && estimate < 1.5 * gib, estimate + " GiB");
  }

  @Test
  void growsWithTheModelAndTheBatch() {
    MemoryNeed small = need(32, 1024, RedactionOptions.ITEMS);
    MemoryNeed large = need(1024, 32768, RedactionOptions.ITEMS);
    assertEquals(160, large.images());
    assertTrue(small.bytes() < 3 * GIB && large.bytes() > 100 * GIB, small + ", " + large);
    RedactionOptions few = new RedactionOptions(600, 220, 4, 8, 8, 0.014, 0.6, 0.05, RedactionOptions.ALL_LAYERS);
    assertTrue(need(1024, 32768, few).bytes() < large.bytes() / 5);
  }

  @Test
  void whatDoesNotFitIsRefusedWithTheFigures() {
    MemoryNeed need = new MemoryNeed(40 * GIB, 160);
    need.requireWithin(40 * GIB);
    assertEquals("this job would take about 40.0 GiB of memory, for steps of 160 images of this model, and there "
        + "are 22.5; "
        + "lower batch (at least 4), or take a machine with more memory or a GPU",
        assertThrows(IllegalArgumentException.class, () -> need.requireWithin(22 * GIB + GIB / 2)).getMessage());
  }
}
