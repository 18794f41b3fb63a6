package dev.lethe.trainer.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.TinyModel;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MemorisedTest {

  @Test
  void imagesThatSamplesComeNearToAreFound() {
    ModelWeights model = TinyModel.of(2);
    ImageDataset stay = TinyModel.learned(2, 16);
    int[] labels = {0, 1, 1};
    Tensor own;
    try (Sampler sampler = Sampler.open(model.config(), model.weights(), TestDevice.compute())) {
      own = sampler.images(labels, new SplittableRandom(5));
    }
    ImageDataset images = Datasets.of(stay.labels(), own.then(stay.images().rows(new int[] {2, 3})),
        new int[] {0, 1, 1, stay.label(2), stay.label(3)});
    // The tiny model's samples differ much, and need not come near to each of three.
    int drawn = new Memorised(model, 1, TestDevice.compute()).of(images, stay);
    assertTrue(drawn == 2 || drawn == 3, drawn + " of 3");
    assertEquals(0, new Memorised(model, 1, TestDevice.compute()).of(TinyModel.unlearned(2, 4), stay));
  }
}
