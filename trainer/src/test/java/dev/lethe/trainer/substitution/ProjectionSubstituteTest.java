package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.ModelCard.WStatistics;
import dev.lethe.models.graph.Tensor;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ProjectionSubstituteTest {

  private static final WStatistics ONE_CLASS = new WStatistics(new float[3], new float[0][]);

  @Test
  void ontoTwoPointsIsTheFootOfThePerpendicularOfTheirLine() {
    RetainedLatents kept = kept(new float[] {0, 0, 0, 2, 0, 0, 90, 90, 90}, 0, 0, 0);
    assertArrayEquals(new float[] {1.5f, 0, 0},
        new ProjectionSubstitute(2).of(new float[] {1.5f, 3, -2}, 0, kept), 1e-6f);
  }

  @Test
  void ontoOnePointIsThatPoint() {
    RetainedLatents kept = kept(new float[] {0, 0, 0, 2, 0, 0}, 0, 0);
    assertArrayEquals(new float[] {2, 0, 0}, new ProjectionSubstitute(1).of(new float[] {5, 1, 1}, 0, kept));
  }

  @Test
  void equalPointsAreNoDirection() {
    RetainedLatents kept = kept(new float[] {1, 2, 3, 1, 2, 3}, 0, 0);
    assertArrayEquals(new float[] {1, 2, 3}, new ProjectionSubstitute(8).of(new float[] {5, 1, 1}, 0, kept), 1e-6f);
  }

  @Test
  void ofAnErasedClassIsOntoLatentsOfTheClassThatStandsIn() {
    WStatistics classes = new WStatistics(new float[3], new float[][] {{0, 0, 0}, {9, 9, 9}, {50, 50, 50}});
    RetainedLatents kept = new RetainedLatents(classes, new StandIns(Map.of(0, 1)),
        Tensor.of(new float[] {8, 8, 8, 40, 40, 40}, 2, 3), new int[] {1, 2});
    assertArrayEquals(new float[] {8, 8, 8}, new ProjectionSubstitute(8).of(new float[] {1, 1, 1}, 0, kept), 1e-6f);
  }

  @Property
  void whatRemainsIsAtRightAnglesToEveryDirection(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] points = new float[4 * 6];
    for (int i = 0; i < points.length; i++) {
      points[i] = (float) random.nextGaussian();
    }
    float[] w = new float[6];
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) random.nextGaussian();
    }
    RetainedLatents kept = new RetainedLatents(ONE_CLASS, StandIns.NONE, Tensor.of(points, 4, 6), new int[4]);
    float[] s = new ProjectionSubstitute(4).of(w, 0, kept);
    for (int p = 1; p < 4; p++) {
      double dot = 0;
      for (int i = 0; i < 6; i++) {
        dot += (w[i] - s[i]) * (points[p * 6 + i] - points[i]);
      }
      assertEquals(0, dot, 1e-4);
    }
  }

  @Test
  void thereMustBeSomethingToProjectOn() {
    RetainedLatents none = new RetainedLatents(ONE_CLASS, StandIns.NONE, Tensor.zeros(0, 3), new int[0]);
    assertThrows(IllegalArgumentException.class, () -> new ProjectionSubstitute(8).of(new float[3], 0, none));
    assertThrows(IllegalArgumentException.class, () -> new ProjectionSubstitute(0));
  }

  private static RetainedLatents kept(float[] latents, int... labels) {
    return new RetainedLatents(ONE_CLASS, StandIns.NONE, Tensor.of(latents, labels.length, 3), labels);
  }
}
