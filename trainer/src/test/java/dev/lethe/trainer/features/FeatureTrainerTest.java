package dev.lethe.trainer.features;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureTrainerTest {

  private static final FeatureTrainer.Options OPTIONS = new FeatureTrainer.Options(4, 16, 0.002, 2, 1);
  private static final FeatureNetwork NETWORK = new FeatureNetwork(32, 1, Blobs.LABELS.size());

  @TempDir Path temp;

  @Test
  void learnsToTellImagesApartThatItHasNotSeen() throws IOException {
    ImageDataset training = Blobs.dataset(256, 1);
    ImageDataset test = Blobs.dataset(200, 2);
    List<Double> losses = new ArrayList<>();
    Map<String, Tensor> weights =
        FeatureTrainer.train(FeatureNetwork.Size.SMALL, training, OPTIONS, directory(), TestDevice.compute(),
            (step, steps, loss) -> {
          losses.add(loss);
          assertEquals(losses.size(), step);
          assertEquals(4 * 256 / 16, steps);
        });
    assertEquals(64, losses.size());
    assertEquals(Math.log(4), losses.get(0), 0.7, "loss of random weights: about that of four equal chances");
    assertTrue(losses.get(63) < 0.1, "last loss " + losses.get(63));
    double before = accuracy(NETWORK.initialize(OPTIONS.seed()), test);
    double after = accuracy(weights, test);
    assertTrue(before < 0.6, "accuracy of random weights " + before);
    assertTrue(after > 0.95, "accuracy after training " + after);
  }

  @Test
  void theSeedDecidesEverything() throws IOException {
    ImageDataset training = Blobs.dataset(40, 1);
    float[] first = trained(training, 5);
    assertArrayEquals(first, trained(training, 5));
    assertFalse(Arrays.equals(first, trained(training, 6)));
  }

  /** Values of a layer after a few steps. */
  private float[] trained(ImageDataset training, long seed) throws IOException {
    return FeatureTrainer.train(FeatureNetwork.Size.SMALL, training, new FeatureTrainer.Options(0.5, 8, 0.002, 2, seed),
        directory(),
        TestDevice.compute(), (step, steps, loss) -> { }).get("F.features.weight").data();
  }

  @Test
  void trainsEveryWeightOfTheNetworkAndNoOther() throws IOException {
    Map<String, Tensor> initial = NETWORK.initialize(OPTIONS.seed());
    Map<String, Tensor> weights = FeatureTrainer.train(FeatureNetwork.Size.SMALL, Blobs.dataset(16, 1),
        new FeatureTrainer.Options(1, 16, 0.002, 0, OPTIONS.seed()), directory(), TestDevice.compute(),
        (step, steps, loss) -> { });
    assertEquals(initial.keySet(), weights.keySet());
    initial.forEach((name, tensor) -> {
      assertArrayEquals(tensor.shape(), weights.get(name).shape(), name);
      assertFalse(Arrays.equals(tensor.data(), weights.get(name).data()), name + " did not change");
    });
  }

  @Test
  void imagesWithoutClassesAreRefused() {
    ImageDataset unlabelled = Datasets.of(List.of(), Tensor.zeros(4, 1, 32, 32), new int[4]);
    ImageDataset none = Blobs.dataset(4, 1).subset();
    for (ImageDataset data : List.of(unlabelled, none)) {
      assertThrows(IllegalArgumentException.class, () -> FeatureTrainer.train(FeatureNetwork.Size.SMALL, data, OPTIONS,
          temp,
          TestDevice.compute(), (step, steps, loss) -> { }));
    }
  }

  private static double accuracy(Map<String, Tensor> weights, ImageDataset data) {
    try (FeatureExtractor extractor =
        FeatureExtractor.open(OnnxWriter.inference(NETWORK.graph(), weights), TestDevice.compute())) {
      return extractor.accuracy(data);
    }
  }

  private Path directory() throws IOException {
    return Files.createTempDirectory(temp, "session");
  }
}
