package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** A graph and the same in blocks give the same. */
class BlockedLayoutTest {

  @Property(tries = 60)
  void convolutionsAndTheirAdjoints(@ForAll @IntRange(min = 1, max = 4) int kernel,
      @ForAll @IntRange(min = 1, max = 2) int stride, @ForAll @IntRange(min = 0, max = 2) int before,
      @ForAll @IntRange(min = 0, max = 2) int after, @ForAll @IntRange(min = 5, max = 9) int size,
      @ForAll @IntRange(min = 0, max = 2) int kind, @ForAll long seed) {
    int block = block();
    // All channels in blocks; few channels, which are not; and each channel by itself.
    int in = kind == 1 ? 3 : 2 * block;
    int out = kind == 2 ? in : block;
    Window window = new Window(stride, before, after, kind == 2 ? in : 1);
    SplittableRandom random = new SplittableRandom(seed);
    Graph g = new Graph("convolutions");
    Value x = g.input("x", 2, in, size, size + 1);
    Value w = kind == 2 ? g.constant(RandomTensors.normal(random, out, 1, kernel, kernel))
        : g.input("w", out, in, kernel, kernel);
    Value image = Ops.conv(kind == 1 ? x : onBlocks(g, x), w, window);
    g.output("conv", image);
    Value y = g.input("y", image.shape());
    Value back = Ops.convTranspose(onBlocks(g, y), w, window, size, size + 1);
    g.output("transposed", back);
    g.output("filtered", Ops.conv(back, kind == 1 ? g.input("f", block, in, 1, 1)
        : g.constant(RandomTensors.normal(random, in, 1, 3, 3)), new Window(1, 1, 1, kind == 1 ? 1 : in)));
    check(g, random);
  }

  /** The value, from a convolution that leaves it as it is. */
  private static Value onBlocks(Graph g, Value x) {
    long channels = x.dim(1);
    Tensor identity = Tensor.zeros(channels, channels, 1, 1);
    for (int i = 0; i < channels; i++) {
      identity.data()[i * (int) channels + i] = 1;
    }
    return Ops.conv(x, g.constant(identity), Window.same(1));
  }

  @Test
  void whatStandsBetweenConvolutions() {
    int block = block();
    for (int size : new int[] {3, 4}) {
      Graph g = new Graph("between");
      Value x = onBlocks(g, g.input("x", 2, 2L * block, size, 2L * size));
      Value other = g.input("other", x.shape());
      Value each = g.input("each", 2, 2L * block, 1, 1);
      Value all = g.input("all", 1, 2L * block, 1, 1);
      Value pixels = g.input("pixels", 1, 1, size, 2L * size);
      Value noise = g.input("noise", 2, 1, size, 2L * size);
      Value picture = g.input("picture", 1, 2L * block, size, 2L * size);
      Value scalar = g.input("scalar", 1);
      List<Value> operands = List.of(other, each, all, pixels, noise, picture, scalar);
      for (Value operand : operands) {
        g.output("add." + operand.name(), Ops.add(x, operand));
        g.output("sub." + operand.name(), Ops.sub(operand, x));
        g.output("mul." + operand.name(), Ops.mul(x, operand));
      }
      g.output("sum", Ops.addAll(List.of(x, other, Ops.neg(x))));
      g.output("activated", Ops.leakyRelu(x, 0.2));
      g.output("slope", Ops.leakyReluGrad(other, Ops.leakyRelu(x, 0.2), 0.2));
      g.output("clipped", Ops.clip(x, 0.5));
      for (int[] axes : new int[][] {{2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}, {1}, {0, 1}, {3}}) {
        g.output("sum" + axes.length + axes[0], Ops.reduceSum(x, axes));
        g.output("mean" + axes.length + axes[0], Ops.reduceMean(x, axes));
      }
      Value branch = g.branch(Ops.greater(Ops.reshape(Ops.mean(other), 1), g.constant(0)),
          () -> List.of(Ops.mul(x, other)), () -> List.of(Ops.neg(x))).get(0);
      g.output("branch", branch);
      check(g, new SplittableRandom(size));
    }
  }

  @Test
  void aChainOfConvolutionsStaysInBlocks() {
    int block = block();
    Graph g = new Graph("chain");
    Value x = g.input("x", 2, block, 4, 4);
    for (int i = 0; i < 3; i++) {
      Value y = Ops.conv(x, g.input("w" + i, block, block, 3, 3), Window.same(3));
      x = Ops.leakyRelu(Ops.add(Ops.mul(y, g.input("s" + i, 2, block, 1, 1)), g.input("b" + i, 1, block, 1, 1)), 0.2);
    }
    g.output("y", x);
    BlockedLayout.Rewritten rewritten = BlockedLayout.rewrite(g, List.of(), block);
    Map<String, Integer> counts = new HashMap<>();
    for (NodeProto node : OnnxWriter.inference(rewritten.graph(), Map.of()).getGraph().getNodeList()) {
      counts.merge(node.getDomain() + "." + node.getOpType(), 1, Integer::sum);
    }
    assertEquals(3, counts.get("com.microsoft.nchwc.Conv"), counts.toString());
    assertEquals(1, counts.get("com.microsoft.nchwc.ReorderInput"), counts.toString());
    assertEquals(1, counts.get("com.microsoft.nchwc.ReorderOutput"), counts.toString());
  }

  private static int block() {
    assumeTrue(ChannelBlock.size().isPresent());
    return ChannelBlock.size().getAsInt();
  }

  private static void check(Graph g, SplittableRandom random) {
    Map<String, Tensor> inputs = new HashMap<>();
    g.inputs().forEach((name, value) -> inputs.put(name, RandomTensors.normal(random, value.shape())));
    Map<String, Tensor> expected;
    try (InferenceSession session = InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1))) {
      expected = session.run(inputs);
    }
    BlockedLayout.Rewritten rewritten = BlockedLayout.rewrite(g, List.of(), block());
    assertTrue(g.outputs().keySet().equals(rewritten.graph().outputs().keySet()));
    try (InferenceSession session =
        InferenceSession.openBlocked(OnnxWriter.inference(rewritten.graph(), Map.of()), 1)) {
      session.run(inputs).forEach((name, actual) -> {
        assertArrayEquals(expected.get(name).shape(), actual.shape(), name);
        assertArrayEquals(expected.get(name).data(), actual.data(), 2e-4f, name);
      });
    }
  }
}
