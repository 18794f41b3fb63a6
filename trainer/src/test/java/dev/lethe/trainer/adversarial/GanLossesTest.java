package dev.lethe.trainer.adversarial;

import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.InferenceSession;
import dev.lethe.models.runtime.TestDevice;
import dev.lethe.trainer.autodiff.Gradients;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GanLossesTest {

  private static final double LN2 = Math.log(2);

  @Test
  void theGeneratorsLossIsSoftplusOfMinusTheLogit() {
    assertEquals(LN2, loss(v -> GanLosses.generator(v.get("fake")), fake(0)), 1e-6);
    assertEquals((softplus(-2) + softplus(3)) / 2, loss(v -> GanLosses.generator(v.get("fake")), fake(2, -3)), 1e-6);
  }

  @Test
  void theDiscriminatorsLossIsThatOfBothKinds() {
    Loss loss = v -> GanLosses.discriminator(v.get("real"), v.get("fake"));
    assertEquals(2 * LN2, loss(loss, Map.of("real", logits(0), "fake", logits(0))), 1e-6);
    assertEquals((softplus(-1) + softplus(4)) / 2 + (softplus(2) + softplus(-0.5)) / 2,
        loss(loss, Map.of("real", logits(1, -4), "fake", logits(2, -0.5f))), 1e-6);
  }

  /** Where e^x overflows a float, softplus is x, and its gradient 1. */
  @Test
  void largeLogitsNeitherOverflowNorVanish() {
    Loss loss = v -> GanLosses.generator(v.get("fake"));
    Loss slope = v -> Gradients.of(GanLosses.generator(v.get("fake")), List.of(v.get("fake"))).get(0);
    assertEquals(500, loss(loss, fake(-500)), 1e-3);
    assertEquals(-1, loss(slope, fake(-500)), 1e-6);
    assertEquals(0, loss(loss, fake(500)), 1e-6);
    assertEquals(0, loss(slope, fake(500)), 1e-6);
    // The derivative of softplus(-x) is -sigmoid(-x).
    assertEquals(-1 / (1 + Math.exp(1.5)), loss(slope, fake(1.5f)), 1e-6);
  }

  @Test
  void mismatchCountsWrongLabelsAlone() {
    Loss loss = v -> GanLosses.mismatch(v.get("logits"), v.get("label"), v.get("other"));
    Tensor label = Tensor.of(new float[] {1, 0, 0, 1, 0, 1}, 3, 2);
    Tensor other = Tensor.of(new float[] {0, 1, 0, 1, 1, 0}, 3, 2);
    assertEquals((softplus(2) + softplus(-1)) / 3,
        loss(loss, Map.of("logits", logits(2, 7, -1), "label", label, "other", other)), 1e-6);
    assertEquals(0, loss(loss, Map.of("logits", logits(2, 7, -1), "label", label, "other", label)), 1e-6);
  }

  /** Of D(x) = a Σ x² / 2 the gradient is a x, so R1 is γ/2 a² Σ x², and its own gradient for a is γ a Σ x². */
  @Test
  void r1OfAParabola() {
    float[] pixels = {1, -2, 0.5f, 3, -1, 1, 2, -0.5f};
    double energy = 0;
    for (float pixel : pixels) {
      energy += pixel * pixel / 2.0;
    }
    Map<String, Tensor> inputs = Map.of("image", Tensor.of(pixels, 2, 1, 2, 2), "a", Tensor.of(new float[] {3}, 1));
    double gamma = 0.7;
    assertEquals(gamma / 2 * 9 * energy, loss(v -> r1OfAParabola(v, gamma), inputs), 1e-5);
    assertEquals(gamma * 3 * energy,
        loss(v -> Gradients.of(r1OfAParabola(v, gamma), List.of(v.get("a"))).get(0), inputs), 1e-5);
  }

  private static Value r1OfAParabola(Map<String, Value> values, double gamma) {
    Value image = values.get("image");
    Value sums = reshape(reduceSum(square(image), 1, 2, 3), 2, 1);
    return GanLosses.r1(mul(mul(sums, values.get("a")), 0.5), image, gamma);
  }

  private interface Loss {
    Value of(Map<String, Value> inputs);
  }

  private static double loss(Loss loss, Map<String, Tensor> inputs) {
    Graph g = new Graph("loss");
    Map<String, Value> values = new LinkedHashMap<>();
    inputs.forEach((name, tensor) -> values.put(name, g.input(name, tensor.shape())));
    g.output("loss", loss.of(values));
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), TestDevice.compute())) {
      return session.run(inputs).get("loss").data()[0];
    }
  }

  private static Map<String, Tensor> fake(float... logits) {
    return Map.of("fake", logits(logits));
  }

  private static Tensor logits(float... logits) {
    return Tensor.of(logits, logits.length, 1);
  }

  private static double softplus(double x) {
    return Math.log(1 + Math.exp(x));
  }
}
