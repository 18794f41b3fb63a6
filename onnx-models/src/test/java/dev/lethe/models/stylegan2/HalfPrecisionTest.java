package dev.lethe.models.stylegan2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.RandomTensors;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Half precision against floats. On the CPU values are rounded to half precision between operators, not inside. */
class HalfPrecisionTest {

  private static final int IMAGES = 4;

  @ParameterizedTest
  @CsvSource({"32, 8", "64, 8", "128, 16", "256, 32", "1024, 128"})
  void theFourHighestResolutionsAreHalf(int resolution, int lowest) {
    StyleGan2Config config = new StyleGan2Config(resolution, 3, 0, 8, 8, 2, 8192, 8);
    List<Integer> half = IntStream.iterate(4, r -> r <= resolution, r -> 2 * r)
        .filter(r -> MixedPrecision.at(Precision.FP16, r, config) == DataType.FLOAT16).boxed().toList();
    assertEquals(IntStream.iterate(lowest, r -> r <= resolution, r -> 2 * r).boxed().toList(), half);
    assertEquals(DataType.FLOAT, MixedPrecision.at(Precision.FP32, resolution, config));
  }

  @Test
  void theShippedModelDrawsTheSameDigits() throws IOException {
    Bundle bundle = Bundle.open(Path.of("bundles/mnist/v1"));
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    Map<String, Tensor> weights = StyleGan2Bundle.weights(bundle);
    Tensor ws = ws(config, weights);
    Tensor exact = run(bundle, Precision.FP32, ws);
    Tensor half = run(bundle, Precision.FP16, ws);
    check("mnist", exact, half, 2e-3, 55);
  }

  @Test
  void anImageOf256WithTheReferencesWidthsIsTheSame() {
    StyleGan2Config config = new StyleGan2Config(256, 3, 0, 512, 512, 8, 16384, 512);
    Map<String, Tensor> weights = Weights.initialize(config, 3);
    Tensor ws = ws(config, weights).rows(0, 1);
    check("256x256", run(config, Precision.FP32, weights, ws), run(config, Precision.FP16, weights, ws), 5e-3, 50);
  }

  @Test
  void weightsAndStylesOfAnyScaleDoNotOverflow() {
    StyleGan2Config config = new StyleGan2Config(32, 3, 0, 16, 16, 2, 512, 16);
    Map<String, Tensor> weights = new HashMap<>(Weights.initialize(config, 5));
    // Demodulation takes the scale out again: the images are the same, though half precision ends at 65504.
    Map<String, Tensor> scaled = new HashMap<>(weights);
    weights.forEach((name, tensor) -> {
      if (name.contains(".conv") && (name.endsWith(".weight") || name.endsWith(".affine.bias"))) {
        scaled.put(name, times(tensor, 1e4f));
      }
    });
    Tensor ws = ws(config, weights);
    check("scaled", run(config, Precision.FP32, weights, ws), run(config, Precision.FP16, scaled, ws), 5e-3, 50);
  }

  @Test
  void typesAreNotMixed() {
    Graph g = new Graph("mixed");
    Value x = g.input("x", 2);
    assertThrows(IllegalArgumentException.class, () -> Ops.add(x, Ops.cast(x, DataType.FLOAT16)));
  }

  private static void check(String what, Tensor exact, Tensor half, double mostError, double leastPsnr) {
    double error = GoldenNetworks.relativeError(half.data(), exact.data());
    double squares = 0;
    for (int i = 0; i < exact.data().length; i++) {
      squares += Math.pow(half.data()[i] - exact.data()[i], 2);
    }
    // Images are about [-1, 1].
    double psnr = 10 * Math.log10(4 / (squares / exact.data().length));
    System.out.printf("%s: relative error %.2e, PSNR %.1f dB%n", what, error, psnr);
    assertTrue(error < mostError, what + ": relative error " + error);
    assertTrue(psnr > leastPsnr, what + ": PSNR " + psnr + " dB");
    // Otherwise nothing was rounded, and nothing tested.
    assertTrue(error > 1e-5, what + ": relative error " + error);
  }

  private static Tensor times(Tensor tensor, float factor) {
    float[] data = tensor.data().clone();
    for (int i = 0; i < data.length; i++) {
      data[i] *= factor;
    }
    return new Tensor(tensor.shape(), data);
  }

  private static Tensor ws(StyleGan2Config config, Map<String, Tensor> weights) {
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("z", RandomTensors.normal(new SplittableRandom(1), IMAGES, config.zDim()));
    inputs.put("psi", new Tensor(new long[] {IMAGES, 1}, new float[] {1, 1, 1, 1}));
    if (config.conditional()) {
      inputs.put("c", Tensor.oneHot(new int[] {0, 3, 7, 9}, config.classes()));
    }
    try (InferenceSession session = InferenceSession.open(
        OnnxWriter.inference(ServingGraphs.mapping(config), weights), TestDevice.compute())) {
      return session.run(inputs).get("ws");
    }
  }

  private static Tensor run(StyleGan2Config config, Precision precision, Map<String, Tensor> weights, Tensor ws) {
    try (InferenceSession session = InferenceSession.open(
        OnnxWriter.inference(ServingGraphs.synthesis(config, precision), weights), TestDevice.compute())) {
      return session.run(Map.of("ws", ws)).get("image");
    }
  }

  private static Tensor run(Bundle bundle, Precision precision, Tensor ws) throws IOException {
    try (InferenceSession session =
        InferenceSession.open(StyleGan2Bundle.synthesis(bundle, precision), TestDevice.compute())) {
      return session.run(Map.of("ws", ws)).get("image");
    }
  }
}
