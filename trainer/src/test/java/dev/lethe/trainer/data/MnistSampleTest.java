package dev.lethe.trainer.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The shipped sample, as its README describes it. */
class MnistSampleTest {

  @ParameterizedTest
  @EnumSource
  void holdsAsManyOfEachClass(Split split) throws IOException {
    ImageDataset data = Datasets.open(Path.of("..", "onnx-models", "mnist-sample"), split);
    assertEquals(split == Split.TRAIN ? 2000 : 1000, data.size());
    assertEquals(32, data.resolution());
    assertEquals(10, data.classes());
    for (int label = 0; label < 10; label++) {
      int of = label;
      assertEquals(data.size() / 10, IntStream.range(0, data.size()).filter(i -> data.label(i) == of).count());
    }
    // Black is 0 and white 1; the mean over all of MNIST is 0.1307, without padding.
    double sum = 0;
    for (float value : data.images(IntStream.range(0, data.size()).toArray()).data()) {
      sum += (value + 1) / 2;
    }
    double mean = sum / data.size() / (28 * 28);
    assertTrue(Math.abs(mean - 0.1307) < 0.01, "mean " + mean);
  }
}
