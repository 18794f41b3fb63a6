package dev.lethe.trainer.substitution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NearestSubstituteTest {

  private static final int[] LABELS = {0, 0, 1};
  private static final int SIZE = TinyModel.SIZE * TinyModel.SIZE;
  private static final List<String> NAMES = List.of("class 0", "class 1", "class 2");

  private static Sampler sampler;
  private static Tensor images;
  private static ImageDataset none;

  /** Images of the model itself, so that pictures near and far from them exist. */
  @BeforeAll
  static void draw() {
    ModelWeights model = TinyModel.of(3);
    sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute());
    // As a data set has them: in whole steps of grey.
    images = Datasets.of(NAMES, sampler.images(LABELS, new SplittableRandom(5)), LABELS).images();
    none = TinyModel.learned(3, 0);
  }

  @AfterAll
  static void close() {
    sampler.close();
  }

  @Test
  void isFarEnoughFromItsImageAndFromTheOthersOfItsClass() {
    // A real image half as far as what the generator usually draws: far enough is then where pictures are.
    ImageDataset others = Datasets.of(NAMES, sampler.images(new int[] {0, 1}, new SplittableRandom(77)),
        new int[] {0, 1});
    NearestSubstitute chosen = choose(others);
    assertArrayEquals(new long[] {3, 8}, chosen.latents().shape());
    Tensor all = sampler.images(IntStream.range(0, 64).map(i -> 0).toArray(), new SplittableRandom(99));
    for (int u = 0; u < LABELS.length; u++) {
      assertEquals(distance(images, u, chosen.images(), u), chosen.distances()[u], 1e-5);
      assertEquals(distance(images, u, others.images(), LABELS[u]), chosen.nearestOther()[u], 1e-5);
    }
    double farthest = 0;
    for (int i = 0; i < 64; i++) {
      farthest = Math.max(farthest, distance(images, 0, all, i));
    }
    // Where pictures far enough exist, the chosen one is far enough, and not just the farthest.
    if (farthest > 1.3 * NearestSubstitute.FACTOR * chosen.nearestOther()[0]) {
      assertTrue(chosen.distances()[0] >= NearestSubstitute.FACTOR * chosen.nearestOther()[0]);
    }
  }

  /** Among its own generated pictures the nearest one is the measure, and there are farther ones. */
  @Test
  void withoutOtherRealImagesTheNearestPictureIsTheMeasure() {
    NearestSubstitute chosen = choose(none);
    for (int u = 0; u < LABELS.length; u++) {
      assertTrue(chosen.nearestOther()[u] > 0 && Double.isFinite(chosen.nearestOther()[u]));
      assertTrue(chosen.distances()[u] >= NearestSubstitute.FACTOR * chosen.nearestOther()[u],
          chosen.distances()[u] + " with the nearest at " + chosen.nearestOther()[u]);
      for (int other = 0; other < LABELS.length; other++) {
        if (LABELS[other] == LABELS[u]) {
          assertTrue(distance(images, other, chosen.images(), u) >= chosen.nearestOther()[other]);
        }
      }
    }
    // The drawings are those of the latents that are given.
    assertArrayEquals(sampler.images(chosen.latents()).data(), chosen.images().data(), 1e-5f);
    assertArrayEquals(chosen.images().data(), choose(none).images().data());
  }

  @Test
  void anImageIsNotItsOwnNeighbourAndOtherClassesDoNotCount() {
    ImageDataset itself = Datasets.of(NAMES, images, LABELS);
    double between = distance(images, 0, images, 1);
    NearestSubstitute chosen = choose(itself);
    assertEquals(between, chosen.nearestOther()[0], 1e-5);
    assertEquals(between, chosen.nearestOther()[1], 1e-5);
    // Class 1 has no other image than this one: the same as without any.
    assertEquals(choose(none).nearestOther()[2], chosen.nearestOther()[2], 1e-9);
    ImageDataset strangers = Datasets.of(NAMES, images, new int[] {2, 2, 2});
    assertArrayEquals(choose(none).nearestOther(), choose(strangers).nearestOther());
  }

  private static NearestSubstitute choose(ImageDataset others) {
    return NearestSubstitute.choose(images, LABELS, others, new SubstitutePool(sampler, 0));
  }

  private static double distance(Tensor a, int i, Tensor b, int j) {
    double sum = 0;
    for (int k = 0; k < SIZE; k++) {
      double difference = a.data()[i * SIZE + k] - b.data()[j * SIZE + k];
      sum += difference * difference;
    }
    return Math.sqrt(sum / SIZE);
  }
}
