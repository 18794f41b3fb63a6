package dev.lethe.models.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lethe.models.graph.BlockedOps.Padding;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.InferenceSession;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Operators on blocked channels against ONNX's own, on sizes that need not be square. */
class BlockedOpsTest {

  @Property(tries = 30)
  void convolvesAsThePlainFormDoes(@ForAll @IntRange(min = 1, max = 3) int images,
      @ForAll @IntRange(min = 1, max = 3) int ins, @ForAll @IntRange(min = 1, max = 3) int outs,
      @ForAll @IntRange(min = 1, max = 4) int down, @ForAll @IntRange(min = 1, max = 4) int across,
      @ForAll long seed) {
    BlockedOps ops = ops();
    Tensor x = random(seed, images, (long) ins * ops.block(), 4L * down, 4L * across);
    Tensor weight = random(seed + 1, (long) outs * ops.block(), (long) ins * ops.block(), 3, 3);
    Tensor expected = plain(x, value -> Ops.conv(value, value.graph().constant(weight), Ops.Window.same(3)));
    check(expected, blocked(x, value -> ops.conv(value, weight, Padding.all(1), 1)), 1e-5);
    check(expected, blocked(x, value -> new Winograd(ops).conv(value, weight)), 1e-4);
  }

  @Property(tries = 20)
  void activatesTheConvolutionPlusASummand(@ForAll @IntRange(min = 1, max = 3) int images,
      @ForAll @IntRange(min = 1, max = 3) int blocks, @ForAll boolean eachByItself, @ForAll long seed) {
    BlockedOps ops = ops();
    int channels = blocks * ops.block();
    int groups = eachByItself ? channels : 1;
    Tensor x = random(seed, images, channels, 4, 8);
    Tensor weight = random(seed + 1, channels, channels / groups, 3, 3);
    // The summand is needed once more: its memory must not become the convolution's.
    Tensor expected = plain(x, value -> {
      Value summand = Ops.mul(value, 0.5);
      Value sum = Ops.add(Ops.conv(value, value.graph().constant(weight), new Ops.Window(1, 1, 1, groups)), summand);
      return Ops.add(Ops.leakyRelu(sum, 0.2), summand);
    });
    check(expected, blocked(x, value -> {
      Value summand = Ops.mul(value, 0.5);
      return Ops.add(ops.activatedConv(value, weight, Padding.all(1), groups, summand, 0.2), summand);
    }), 1e-5);
  }

  @Test
  void aPlaneIsAMultipleOfAnImageAndWhatAllItsPixelsShare() {
    BlockedOps ops = ops();
    int channels = 2 * ops.block();
    Tensor x = random(1, 3, channels, 1, 1);
    Tensor image = random(2, 4, 6);
    Tensor offsets = random(3, 1, channels, 1, 1);
    Tensor expected = plain(x, value -> Ops.add(
        Ops.mul(value, value.graph().constant(Tensor.of(image.data(), 1, 1, 4, 6))), value.graph().constant(offsets)));
    // Terms [N, C / block, 2, block]: of so few pixels, the usual order and that in blocks are one.
    check(expected, blocked(x, value -> ops.plane(image, Ops.concat(2, List.of(
        Ops.reshape(value, Shapes.FREE, 2, 1, ops.block()), Ops.add(Ops.mul(
            Ops.reshape(value, Shapes.FREE, 2, 1, ops.block()), 0),
            value.graph().constant(Tensor.of(offsets.data(), 1, 2, 1, ops.block()))))))), 1e-6);
  }

  @Test
  void projectsEachPixelByItsImagesMatrix() {
    BlockedOps ops = ops();
    int channels = 2 * ops.block();
    for (int colors : new int[] {1, 3}) {
      Tensor x = random(1, 1, channels, 4, 6);
      Tensor matrix = random(2, colors, channels, 1, 1);
      float[] transposed = new float[channels * colors];
      for (int i = 0; i < transposed.length; i++) {
        transposed[i] = matrix.data()[i % colors * channels + i / colors];
      }
      Tensor expected =
          plain(x, value -> Ops.conv(value, value.graph().constant(matrix), new Ops.Window(1, 0, 0, 1)));
      check(expected, inBlocks(x, value -> ops.project(value,
          value.graph().constant(Tensor.of(transposed, 1, 2, ops.block(), colors)))), 1e-5);
    }
  }

  @Test
  void fourImagesMakeOneOfTwiceTheSize() {
    BlockedOps ops = ops();
    Tensor x = random(1, 2, ops.block(), 2, 3);
    // Phase p is p times the image.
    float[] interleaved = blocked(x, value -> ops.interleave(
        List.of(Ops.mul(value, 0), value, Ops.mul(value, 2), Ops.mul(value, 3)))).data();
    for (int i = 0; i < interleaved.length; i++) {
      int column = i % 6;
      int row = i / 6 % 4;
      float pixel = x.data()[i / 24 * 6 + row / 2 * 3 + column / 2];
      assertEquals(pixel * (2 * (row % 2) + column % 2), interleaved[i]);
    }
  }

  @Test
  void partsOfTilesAreRefused() {
    BlockedOps ops = ops();
    Graph g = new Graph("odd");
    Value x = g.input("x", 1, ops.block(), 6, 8);
    assertThrows(IllegalArgumentException.class,
        () -> new Winograd(ops).conv(x, Tensor.zeros(ops.block(), ops.block(), 3, 3)));
  }

  private static BlockedOps ops() {
    assumeTrue(ChannelBlock.size().isPresent());
    return new BlockedOps(ChannelBlock.size().getAsInt());
  }

  private static Tensor random(long seed, long... shape) {
    return RandomTensors.normal(new SplittableRandom(seed), shape);
  }

  private static Tensor plain(Tensor x, Function<Value, Value> compute) {
    Graph g = new Graph("plain");
    g.output("y", compute.apply(g.input("x", Shapes.FREE, x.shape()[1], x.shape()[2], x.shape()[3])));
    try (InferenceSession session =
        InferenceSession.open(OnnxWriter.inference(g, Map.of()), Compute.cpu(1))) {
      return session.run(Map.of("x", x)).get("y");
    }
  }

  private static Tensor blocked(Tensor x, Function<Value, Value> compute) {
    return inBlocks(x, compute.andThen(BlockedOps::unblocked));
  }

  /** Of what is computed in blocks, and comes out in the usual order. */
  private static Tensor inBlocks(Tensor x, Function<Value, Value> compute) {
    Graph g = new Graph("blocked");
    g.output("y", compute.apply(
        BlockedOps.blocked(g.input("x", Shapes.FREE, x.shape()[1], x.shape()[2], x.shape()[3]))));
    try (InferenceSession session = InferenceSession.openBlocked(OnnxWriter.inference(g, Map.of()), 1)) {
      return session.run(Map.of("x", x)).get("y");
    }
  }

  private static void check(Tensor expected, Tensor actual, double mostError) {
    assertArrayEquals(expected.shape(), actual.shape());
    double error = 0;
    double size = 0;
    for (int i = 0; i < expected.data().length; i++) {
      error += Math.pow(expected.data()[i] - actual.data()[i], 2);
      size += Math.pow(expected.data()[i], 2);
    }
    assertEquals(0, Math.sqrt(error / size), mostError);
  }
}
