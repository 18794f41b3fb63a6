package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.RandomTensors;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The mapping network in few operators against the one that bundles have. */
class LeanMappingTest {

  @Test
  void theShippedModelMapsToTheSameW() throws IOException {
    Bundle bundle = Bundle.open(Path.of("bundles/mnist/v1"));
    check(StyleGan2Config.of(bundle.card()), StyleGan2Bundle.weights(bundle));
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "0, 8", "3, 1", "3, 8"})
  void mapsAnyNumberOfClassesThroughAnyNumberOfLayers(int classes, int layers) {
    StyleGan2Config config = new StyleGan2Config(32, 1, classes, 12, 20, layers, 512, 16);
    check(config, TrainedWeights.of(config));
  }

  private static void check(StyleGan2Config config, Map<String, Tensor> weights) {
    int n = 4;
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("z", RandomTensors.normal(new SplittableRandom(1), n, config.zDim()));
    inputs.put("psi", Tensor.of(new float[] {1, 0.7f, 0, -0.5f}, n, 1));
    if (config.conditional()) {
      inputs.put("c", Tensor.oneHot(new int[] {0, 1, 2, 0}, config.classes()));
    }
    Tensor expected = run(ServingGraphs.mapping(config), weights, inputs);
    Tensor actual = run(LeanMapping.graph(config, weights), Map.of(), inputs);
    assertArrayEquals(expected.shape(), actual.shape());
    assertEquals(0, GoldenNetworks.relativeError(actual.data(), expected.data()), 1e-6);
  }

  private static Tensor run(Graph graph, Map<String, Tensor> weights, Map<String, Tensor> inputs) {
    try (InferenceSession session =
        InferenceSession.open(OnnxWriter.inference(graph, weights), Compute.cpu(1))) {
      return session.run(inputs).get("ws");
    }
  }
}
