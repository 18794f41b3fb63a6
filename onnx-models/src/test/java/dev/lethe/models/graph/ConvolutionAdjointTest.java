package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/**
 * {@code ⟨conv(x, w), y⟩ = ⟨x, convTranspose(y, w)⟩ = ⟨w, convWeight(x, y)⟩}, which is what their gradients rest on.
 */
class ConvolutionAdjointTest {

  @Property(tries = 60)
  void threeFormsOfOneTrilinearForm(@ForAll @IntRange(min = 1, max = 3) int groups,
      @ForAll @IntRange(min = 1, max = 3) int in, @ForAll @IntRange(min = 1, max = 3) int out,
      @ForAll @IntRange(min = 1, max = 4) int kernel, @ForAll @IntRange(min = 1, max = 2) int stride,
      @ForAll @IntRange(min = 0, max = 3) int before, @ForAll @IntRange(min = 0, max = 3) int after,
      @ForAll long seed) {
    Window window = new Window(stride, before, after, groups);
    Graph g = new Graph("adjoint");
    Value x = g.input("x", 2, (long) groups * in, 6, 5);
    Value w = g.input("w", (long) groups * out, in, kernel, kernel);
    Value image = Ops.conv(x, w, window);
    Value y = g.input("y", image.shape());
    g.output("conv", Ops.sum(Ops.mul(image, y)));
    g.output("transposed", Ops.sum(Ops.mul(x, Ops.convTranspose(y, w, window, 6, 5))));
    g.output("weight", Ops.sum(Ops.mul(w, Ops.convWeight(x, y, w, window))));
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> inputs = Map.of("x", RandomTensors.normal(random, x.shape()),
        "w", RandomTensors.normal(random, w.shape()), "y", RandomTensors.normal(random, y.shape()));
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1))) {
      Map<String, Tensor> outputs = session.run(inputs);
      float expected = outputs.get("conv").data()[0];
      // Sums of some thousand products of about 1, in single precision.
      assertEquals(expected, outputs.get("transposed").data()[0], 1e-2);
      assertEquals(expected, outputs.get("weight").data()[0], 1e-2);
    }
  }
}
