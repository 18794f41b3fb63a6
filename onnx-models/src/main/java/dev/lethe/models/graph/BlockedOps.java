package dev.lethe.models.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Operators on the layout that ONNX Runtime convolves in on CPUs, NCHWc: channels in blocks of as many as a vector
 * register holds. A blocked value has the shape [N, C, H, W] and the memory of [N, C / block, H, W, block].
 *
 * <p>ONNX Runtime brings values into this layout before a convolution and back after it, wherever something stands
 * between two convolutions that it cannot do in blocks. Graphs of these operators stay in it from the first layer to
 * the last. Such a graph is for the machine that it is built on: {@link dev.lethe.models.runtime.ChannelBlock} tells
 * its block. Gradients are not defined.
 */
public final class BlockedOps {

  /**
   * Pixels that one piece of a broadcast covers: shorter pieces, such as a block, cost more than the arithmetic. Every
   * image has a multiple of it.
   */
  private static final int RUN = 16;

  private final int block;

  /** @param block channels in a block */
  public BlockedOps(int block) {
    this.block = block;
  }

  /** Zeros around an image before it is convolved. */
  public record Padding(int top, int left, int bottom, int right) {

    public static Padding all(int size) {
      return new Padding(size, size, size, size);
    }

    private long[] attribute() {
      return new long[] {top, left, bottom, right};
    }
  }

  public int block() {
    return block;
  }

  /** Whether values of so many channels can be blocked. */
  public boolean fits(long channels) {
    return channels % block == 0;
  }

  // ---- convolution ----

  /**
   * Convolution of stride 1.
   *
   * @param x blocked, [N, I, H, W]
   * @param weight [O, I / groups, kh, kw] in the usual order
   * @param groups 1, or a number by which both sides have whole blocks, or I = O for each channel by itself
   * @return blocked, [N, O, H', W']
   */
  public Value conv(Value x, Tensor weight, Padding padding, int groups) {
    return conv(x, weight, padding, groups, Map.of());
  }

  /**
   * Leaky ReLU of the convolution plus a summand, in one pass over memory.
   *
   * @param summand blocked, of the result's shape; its memory becomes the result's where nobody else needs it
   * @param alpha slope below zero
   */
  public Value activatedConv(Value x, Tensor weight, Padding padding, int groups, Value summand, double alpha) {
    Value noBias = x.graph().constant(Tensor.zeros(weight.shape()[0]));
    return conv(x, weight, padding, groups,
        Map.of("activation", "LeakyRelu", "activation_params", new float[] {(float) alpha}), noBias, summand);
  }

  private Value conv(Value x, Tensor weight, Padding padding, int groups, Map<String, Object> more,
      Value... operands) {
    long[] w = weight.shape();
    if (x.rank() != 4 || x.dim(1) != w[1] * groups) {
      throw new IllegalArgumentException("cannot convolve " + x + " with a weight of " + List.of(w[0], w[1])
          + " channels in " + groups + " groups");
    }
    List<Value> all = new ArrayList<>(List.of(x, x.graph().constant(w[1] == 1 ? depthwise(weight) : blocked(weight))));
    all.addAll(List.of(operands));
    long[] shape = {x.dim(0), w[0], x.dim(2) + padding.top + padding.bottom - w[2] + 1,
        x.dim(3) + padding.left + padding.right - w[3] + 1};
    return conv(all, 1, padding, groups, more, shape);
  }

  /**
   * Convolution with a weight that is computed.
   *
   * @param x blocked, [N, I, H, W]; or plain, of fewer channels than a block
   * @param weight from {@link #weight}; of a plain x, from {@link #weightOfPlain}; or {@link #depthwise}
   * @param shape of the result
   */
  Value conv(Value x, Value weight, int stride, Padding padding, int groups, long[] shape) {
    return conv(List.of(x, weight), stride, padding, groups, Map.of(), shape);
  }

  private static Value conv(List<Value> operands, int stride, Padding padding, int groups, Map<String, Object> more,
      long[] shape) {
    Value x = operands.get(0);
    Value weight = operands.get(1);
    Map<String, Object> attributes = new HashMap<>(
        windows(new long[] {weight.dim(2), weight.dim(3)}, new long[] {stride, stride}, padding));
    attributes.put("group", (long) groups);
    attributes.putAll(more);
    return x.graph().node(Node.BLOCKED_CONV, x.type(), shape, attributes, operands.toArray(Value[]::new));
  }

  /** A weight [O, I, kh, kw] in the order in which blocked values are convolved. */
  Value weight(Value weight) {
    long taps = weight.dim(2) * weight.dim(3);
    Value parts = Ops.reshape(weight, weight.dim(0) / block, block, weight.dim(1) / block, block, taps);
    return Ops.reshape(Ops.transpose(parts, 0, 2, 4, 3, 1), weight.shape());
  }

  /** The same for plain values, of fewer channels than a block. */
  Value weightOfPlain(Value weight) {
    long size = weight.dim(1) * weight.dim(2) * weight.dim(3);
    Value parts = Ops.reshape(weight, weight.dim(0) / block, block, size);
    return Ops.reshape(Ops.transpose(parts, 0, 2, 1), weight.shape());
  }

  private static Map<String, Object> windows(long[] kernel, long[] strides, Padding padding) {
    return Map.of("kernel_shape", kernel, "strides", strides, "pads", padding.attribute(), "dilations",
        new long[] {1, 1});
  }

  /** [O, I, kh, kw] in the memory of [O / block, I / block, kh, kw, block of I, block of O]. */
  private Tensor blocked(Tensor weight) {
    int outs = (int) weight.shape()[0];
    int ins = (int) weight.shape()[1];
    int taps = weight.data().length / outs / ins;
    float[] data = new float[weight.data().length];
    for (int o = 0; o < outs; o++) {
      for (int i = 0; i < ins; i++) {
        int from = (o * ins + i) * taps;
        int to = (o / block * (ins / block) + i / block) * taps * block * block + i % block * block + o % block;
        for (int t = 0; t < taps; t++) {
          data[to + t * block * block] = weight.data()[from + t];
        }
      }
    }
    return new Tensor(weight.shape(), data);
  }

  /** [O, 1, kh, kw] in the memory of [O / block, kh, kw, block]. */
  Tensor depthwise(Tensor weight) {
    int outs = (int) weight.shape()[0];
    int taps = weight.data().length / outs;
    float[] data = new float[weight.data().length];
    for (int o = 0; o < outs; o++) {
      for (int t = 0; t < taps; t++) {
        data[(o / block * taps + t) * block + o % block] = weight.data()[o * taps + t];
      }
    }
    return new Tensor(weight.shape(), data);
  }

  /**
   * Four images as one of twice their height and width.
   *
   * @param phases blocked, [N, C, H, W]: those of even rows and even columns, even and odd, odd and even, odd and odd
   */
  public Value interleave(List<Value> phases) {
    Value first = phases.get(0);
    long channels = first.dim(1);
    long height = first.dim(2);
    long width = first.dim(3);
    Value all = Ops.reshape(Ops.concat(1, phases), first.dim(0), 2, 2, channels / block, height, width, block);
    return Ops.reshape(Ops.transpose(all, 0, 3, 4, 1, 5, 2, 6), first.dim(0), channels, 2 * height, 2 * width);
  }

  /**
   * A matrix applied to tiles of rows that overlap: row r of tile t is row {@code stride · t + r - 1}, zeros beyond the
   * ends.
   *
   * @param x [M, H, W]
   * @param matrix [R, K]
   * @return [M, R, H / stride, W]
   */
  Value onRowTiles(Value x, Tensor matrix, int stride) {
    long rows = matrix.shape()[0];
    long tile = matrix.shape()[1];
    Graph g = x.graph();
    Value kernel = g.constant(new Tensor(new long[] {rows, 1, tile, 1}, matrix.data()));
    Map<String, Object> attributes = new HashMap<>(windows(new long[] {tile, 1}, new long[] {stride, 1},
        new Padding(1, 0, (int) tile - stride - 1, 0)));
    attributes.put("group", 1L);
    return g.node("Conv", x.type(), new long[] {x.dim(0), rows, x.dim(1) / stride, x.dim(2)}, attributes,
        Ops.reshape(x, x.dim(0), 1, x.dim(1), x.dim(2)), kernel);
  }

  // ---- between convolutions ----

  /** A blocked value [N, C, H, W] for what is done to each pixel: [N, C / block, H·W / run, run, block]. */
  public Value pixels(Value x) {
    long area = x.dim(2) * x.dim(3);
    long run = area % RUN == 0 ? RUN : 1;
    return Ops.reshape(x, x.dim(0), x.dim(1) / block, area / run, run, block);
  }

  /** A blocked value [N, C, H, W] with its axes apart: [N, C / block, H, W, block]. */
  Value rows(Value x) {
    return Ops.reshape(x, x.dim(0), x.dim(1) / block, x.dim(2), x.dim(3), block);
  }

  /** Back to a blocked value for convolutions, of the given height and width. */
  public Value image(Value pixels, long height, long width) {
    return Ops.reshape(pixels, pixels.dim(0), pixels.dim(1) * block, height, width);
  }

  /** Factors of channels, [N, ...] with C in all, for {@link #pixels}: [N, C / block, 1, run, block]. */
  public Value perChannel(Value x) {
    return perChannel(x, RUN);
  }

  /** The same for pixels in runs of another length. */
  Value perChannel(Value x, long run) {
    long channels = Shapes.size(Arrays.copyOfRange(x.shape(), 1, x.rank()));
    Value one = Ops.reshape(x, x.dim(0), channels / block, 1, 1, block);
    return x.graph().node("Expand", x.type(), new long[] {x.dim(0), channels / block, 1, run, block}, Map.of(), one,
        x.graph().indices(1, 1, 1, run, 1));
  }

  /** Values of pixels, [N, 1, H, W], for blocked values as [N, C / block, H·W·block]: [N, 1, H·W·block]. */
  Value perPixel(Value x) {
    long area = x.dim(2) * x.dim(3);
    Value one = Ops.reshape(x, x.dim(0), 1, area, 1);
    return Ops.reshape(Ops.expand(one, x.dim(0), 1, area, block), x.dim(0), 1, area * block);
  }

  /**
   * Keeps a value within -limit and limit.
   *
   * @param x blocked, [N, C, H, W]
   * @param limits above 0, from {@link #perChannel}
   */
  public Value clamp(Value x, Value limits) {
    Value pixels = pixels(x);
    Value below = pixels.graph().node("Min", x.type(), pixels.shape(), Map.of(), pixels, limits);
    return image(below.graph().node("Max", x.type(), below.shape(), Map.of(), below, Ops.neg(limits)), x.dim(2),
        x.dim(3));
  }

  /**
   * For each image, what all pixels of a channel share and a multiple of a constant image.
   *
   * @param image [H, W]
   * @param terms [N, C / block, 2, block]: of each channel the multiple, then what is shared
   * @return blocked, [N, C, H, W]
   */
  public Value plane(Tensor image, Value terms) {
    int size = image.data().length;
    float[] rows = new float[2 * size];
    for (int p = 0; p < size; p++) {
      rows[2 * p] = image.data()[p];
      rows[2 * p + 1] = 1;
    }
    // A product of two thin matrices reads next to nothing, where a constant of all channels is as large as its result.
    Value sums = Ops.matmul(terms.graph().constant(Tensor.of(rows, 1, 1, size, 2)), terms);
    return Ops.reshape(sums, terms.dim(0), terms.dim(1) * block, image.shape()[0], image.shape()[1]);
  }

  /** A constant image [C, H, W], blocked: [1, C, H, W]. */
  public Value constant(Graph g, Tensor image) {
    int channels = (int) image.shape()[0];
    int size = image.data().length / channels;
    float[] data = new float[image.data().length];
    for (int c = 0; c < channels; c++) {
      for (int p = 0; p < size; p++) {
        data[(c / block * size + p) * block + c % block] = image.data()[c * size + p];
      }
    }
    return g.constant(new Tensor(new long[] {1, channels, image.shape()[1], image.shape()[2]}, data));
  }

  /** A value [N, C, H, W] in blocks, whatever their size is here. */
  public static Value blocked(Value x) {
    return x.graph().node(Node.BLOCKED, x.type(), x.shape(), Map.of(), x);
  }

  /**
   * A matrix for each image, applied to each of its pixels.
   *
   * @param x blocked, [N, C, H, W]
   * @param matrices [N, C / block, block, K]
   * @return in the usual order, [N, K, H, W]
   */
  public Value project(Value x, Value matrices) {
    long sums = matrices.dim(3);
    Value parts = Ops.matmul(Ops.reshape(x, x.dim(0), x.dim(1) / block, x.dim(2) * x.dim(3), block), matrices);
    Value all = Ops.reduceSum(parts, 1);
    return Ops.reshape(sums == 1 ? all : Ops.transpose(all, 0, 3, 1, 2), x.dim(0), sums, x.dim(2), x.dim(3));
  }

  /** A blocked value [N, C, H, W] in the usual order. */
  public static Value unblocked(Value x) {
    return x.graph().node(Node.UNBLOCKED, x.type(), x.shape(), Map.of("channels", x.dim(1)), x);
  }
}
