package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.lethe.models.graph.Tensor;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightsTest {

  private static final StyleGan2Config CONFIG = new StyleGan2Config(32, 1, 10, 64, 64, 2, 1024, 64);

  @ParameterizedTest
  @ValueSource(strings = {"cond-32-gray", "uncond-32-rgb"})
  void parametersAreTheReferences(String name) {
    GoldenNetworks golden = new GoldenNetworks(name);
    Map<String, long[]> shapes = Weights.shapes(golden.config());
    golden.weights().forEach((parameter, tensor) -> {
      // The filter is a buffer of the reference's; here it is part of the graph.
      if (!parameter.endsWith("resample_filter")) {
        assertArrayEquals(tensor.shape(), shapes.remove(parameter), parameter);
      }
    });
    assertEquals(Map.of(), shapes, "parameters that the reference lacks");
  }

  @Test
  void drawsEachKindOfParameterAsTheReferenceDoes() {
    Map<String, Tensor> weights = Weights.initialize(CONFIG, 1);
    assertNormal(1, weights.get("G.synthesis.b8.conv0.weight"));
    assertNormal(1, weights.get("G.synthesis.b8.conv0.affine.weight"));
    assertNormal(1, weights.get("G.synthesis.b4.const"));
    assertNormal(1, weights.get("G.synthesis.b32.conv1.noise_const"));
    assertNormal(1, weights.get("D.b16.conv1.weight"));
    assertNormal(1, weights.get("D.mapping.embed.weight"));
    assertNormal(100, weights.get("G.mapping.fc1.weight"));
    assertNormal(100, weights.get("D.mapping.fc7.weight"));
    assertFilled(1, weights.get("G.synthesis.b8.torgb.affine.bias"));
    assertFilled(0, weights.get("G.synthesis.b8.torgb.bias"));
    assertFilled(0, weights.get("G.synthesis.b8.conv1.noise_strength"));
    assertFilled(0, weights.get("G.mapping.w_avg"));
    assertFilled(0, weights.get("D.b4.out.bias"));
  }

  @Test
  void aSeedNamesTheWeights() {
    String name = "D.b8.conv0.weight";
    float[] first = Weights.initialize(CONFIG, 7).get(name).data();
    assertArrayEquals(first, Weights.initialize(CONFIG, 7).get(name).data());
    assertFalse(Arrays.equals(first, Weights.initialize(CONFIG, 8).get(name).data()));
  }

  private static void assertNormal(double deviation, Tensor tensor) {
    float[] data = tensor.data();
    double mean = 0;
    double squares = 0;
    for (float v : data) {
      mean += v / data.length;
      squares += (double) v * v / data.length;
    }
    // Five standard errors.
    assertEquals(0, mean / deviation, 5 / Math.sqrt(data.length));
    assertEquals(1, squares / (deviation * deviation), 5 * Math.sqrt(2.0 / data.length));
  }

  private static void assertFilled(float value, Tensor tensor) {
    float[] expected = new float[tensor.data().length];
    Arrays.fill(expected, value);
    assertArrayEquals(expected, tensor.data());
  }
}
