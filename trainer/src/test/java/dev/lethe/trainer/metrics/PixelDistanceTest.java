package dev.lethe.trainer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class PixelDistanceTest {

  @Property(tries = 200)
  void belowALimitItIsTheDistanceAndElseNotBelowIt(@ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int side,
      @ForAll @IntRange(min = 1, max = 20) int tenths) {
    float[] values = new float[2 * side * side];
    SplittableRandom rng = new SplittableRandom(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rng.nextDouble(-1, 1);
    }
    Tensor pictures = new Tensor(new long[] {2, 1, side, side}, values);
    double distance = PixelDistance.squared(pictures, 0, pictures, 1);
    double limit = distance * (tenths + 0.5) / 10;
    double found = PixelDistance.squaredBelow(limit, pictures, 0, pictures, 1);
    if (limit > distance) {
      assertEquals(distance, found, 1e-9);
    } else {
      assertTrue(found >= limit, found + " is below " + limit);
    }
  }
}
