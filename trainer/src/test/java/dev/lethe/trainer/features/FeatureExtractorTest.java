package dev.lethe.trainer.features;

import static dev.lethe.models.graph.Ops.gemm;
import static dev.lethe.models.graph.Ops.reshape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.data.Datasets;
import dev.lethe.trainer.data.ImageDataset;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FeatureExtractorTest {

  /** More than two sub-batches, and a remainder. */
  private static final int MANY = 603;

  @Test
  void runsManyImagesInPartsAsIfTheyWereOne() {
    FeatureNetwork network = new FeatureNetwork(32, 1, Blobs.LABELS.size());
    ModelProto model = OnnxWriter.inference(network.graph(), network.initialize(3));
    ImageDataset data = Blobs.dataset(MANY, 4);
    Tensor images = data.images(IntStream.range(0, MANY).toArray());
    try (FeatureExtractor extractor = FeatureExtractor.open(model, TestDevice.compute());
        InferenceSession direct = InferenceSession.open(model, TestDevice.compute())) {
      Map<String, Tensor> expected = direct.run(Map.of("image", images));
      for (FeatureExtractor.Outputs actual : List.of(extractor.run(images), extractor.run(data))) {
        assertArrayEquals(new long[] {MANY, FeatureNetwork.FEATURES}, actual.features().shape());
        assertArrayEquals(new long[] {MANY, Blobs.LABELS.size()}, actual.logits().shape());
        assertArrayEquals(expected.get("features").data(), actual.features().data(), 1e-5f);
        assertArrayEquals(expected.get("logits").data(), actual.logits().data(), 1e-5f);
      }
    }
  }

  @Test
  void predictsTheClassOfTheGreatestLogit() {
    Tensor logits = Tensor.of(new float[] {-3, -1, -2, 5, 5, 4, 0, 0, 9}, 3, 3);
    assertArrayEquals(new int[] {1, 0, 2}, new FeatureExtractor.Outputs(Tensor.zeros(3, 1), logits).predictions());
  }

  @Test
  void countsTheImagesThatAreGivenTheirClass() {
    // The brightest of an image's four pixels is its class.
    float[] pixels = new float[MANY * 4];
    int[] classes = new int[MANY];
    for (int i = 0; i < MANY; i++) {
      pixels[i * 4 + i % 4] = 1;
      // Every third is given a wrong class: 201 of 603, in the first sub-batch and in the last.
      classes[i] = i % 3 == 0 ? (i + 1) % 4 : i % 4;
    }
    ImageDataset data = Datasets.of(Blobs.LABELS, Tensor.of(pixels, MANY, 1, 2, 2), classes);
    try (FeatureExtractor extractor = FeatureExtractor.open(pixelsAsLogits(), TestDevice.compute())) {
      assertEquals(402.0 / 603, extractor.accuracy(data));
      assertEquals(0, extractor.accuracy(data.subset(0, 3, 600)));
      assertEquals(1, extractor.accuracy(data.subset(1, 2, 602)));
    }
  }

  @Test
  void noImagesAreRefused() {
    try (FeatureExtractor extractor = FeatureExtractor.open(pixelsAsLogits(), TestDevice.compute())) {
      assertThrows(IllegalArgumentException.class, () -> extractor.run(Tensor.zeros(0, 1, 2, 2)));
    }
  }

  private static ModelProto pixelsAsLogits() {
    Graph g = new Graph("pixels");
    Value pixels = reshape(g.input("image", Shapes.FREE, 1, 2, 2), -1, 4);
    Value logits = gemm(pixels, g.parameter("weight", 4, 4), false, true, 1);
    g.output("features", pixels);
    g.output("logits", logits);
    float[] identity = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    return OnnxWriter.inference(g, Map.of("weight", Tensor.of(identity, 4, 4)));
  }
}
