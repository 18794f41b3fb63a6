package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.BlockedOps;
import dev.lethe.models.graph.BlockedOps.Padding;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.graph.Winograd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The synthesis network as CPUs compute it fastest: the same images as those of {@link Generator#synthesis}, but for
 * rounding, from the same inputs and weights.
 *
 * <ul>
 *   <li>Activations stay in blocked channels from the first layer to the last ({@link BlockedOps}).
 *   <li>The convolution that doubles height and width is four small ones, one for each pixel of two by two, without the
 *       zeros in between.
 *   <li>Where channels are many, 3×3 convolutions are Winograd's, which takes a quarter of the multiplications.
 *   <li>Noise and bias, both constant, are added at once.
 * </ul>
 */
final class BlockedSynthesis {

  /** From how many channels on each side the products that Winograd saves take longer than its transforms. */
  private static final int MANY_CHANNELS = 256;
  /** From what height and width on: below, reading four times the weights takes longer. */
  private static final int LARGE_IMAGE = 16;
  /** Above it, the values of noise and bias of all channels are not worth the memory. */
  private static final int LARGEST_SUMMAND = 1 << 22;
  private static final int[] EVEN = {2, 0};
  private static final int[] ODD = {1};

  private final StyleGan2Config config;
  private final Map<String, Tensor> weights;
  private final BlockedOps ops;
  private final Winograd winograd;
  private final Graph g = new Graph("blocked_synthesis");
  private final List<Value> ws = new ArrayList<>();

  private BlockedSynthesis(StyleGan2Config config, Map<String, Tensor> weights, int block) {
    this.config = config;
    this.weights = weights;
    this.ops = new BlockedOps(block);
    this.winograd = new Winograd(ops);
  }

  /** Whether all layers of a network have whole blocks of channels. */
  static boolean fits(StyleGan2Config config, int block) {
    BlockedOps ops = new BlockedOps(block);
    for (int r = 4; r <= config.resolution(); r *= 2) {
      if (!ops.fits(config.width(r))) {
        return false;
      }
    }
    return true;
  }

  /**
   * ws [N, num_ws, w_dim] → image [N, C, H, W], with the model's constant noise. The weights are in it.
   *
   * @param weights of the synthesis network, by name
   * @param block channels in a block; all layers must have whole ones
   */
  static Graph graph(StyleGan2Config config, Map<String, Tensor> weights, int block) {
    BlockedSynthesis synthesis = new BlockedSynthesis(config, weights, block);
    synthesis.g.output("image", synthesis.image());
    return synthesis.g;
  }

  private Value image() {
    Value all = g.input("ws", Shapes.FREE, config.numWs(), config.wDim());
    for (int i = 0; i < config.numWs(); i++) {
      ws.add(Ops.reshape(Ops.slice(all, 1, i, i + 1), Shapes.FREE, config.wDim()));
    }
    Value x = ops.constant(g, weights.get(Generator.SYNTHESIS + "4.const"));
    Value image = null;
    int layer = 0;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String block = Generator.SYNTHESIS + r;
      if (r > 4) {
        x = layer(block + ".conv0", x, r, layer++, true);
      }
      x = layer(block + ".conv1", x, r, layer++, false);
      Value rgb = toRgb(block + ".torgb", x, r, layer);
      image = image == null ? rgb : Ops.add(Layers.upsample(image), rgb);
    }
    return image;
  }

  /** Modulated 3×3 convolution with demodulation, noise, bias and activation, of {@link BlockedOps#pixels}. */
  private Value layer(String name, Value x, int resolution, int layer, boolean up) {
    Tensor weight = weights.get(name + ".weight");
    int before = up ? resolution / 2 : resolution;
    Value styles = styles(name, layer, 1);
    Value y = ops.image(Ops.mul(x, ops.perChannel(styles, before)), before, before);
    if (up) {
      y = upConv(y, weight);
    } else {
      long fewest = Math.min(weight.shape()[0], weight.shape()[1]);
      y = fewest >= MANY_CHANNELS && resolution >= LARGE_IMAGE ? winograd.conv(y, weight)
          : ops.conv(y, weight, Padding.all(1), 1);
    }
    y = Ops.mul(ops.pixels(y), ops.perChannel(demodulation(styles, weight), resolution));
    return Layers.activate(addNoiseAndBias(name, y, resolution));
  }

  /** √2 / √(Σ (weight · style)² + ε), [N, O]; the gain of the activation goes with it. */
  private Value demodulation(Value styles, Tensor weight) {
    int outs = (int) weight.shape()[0];
    int ins = (int) weight.shape()[1];
    float[] energy = new float[outs * ins];
    float[] epsilon = new float[outs];
    double gain = Layers.GAIN * Layers.GAIN;
    for (int i = 0; i < energy.length; i++) {
      double sum = 0;
      for (int t = 0; t < 9; t++) {
        sum += (double) weight.data()[i * 9 + t] * weight.data()[i * 9 + t];
      }
      energy[i] = (float) (sum / gain);
    }
    Arrays.fill(epsilon, (float) (Layers.EPSILON / gain));
    return Ops.rsqrt(Ops.affine(Ops.square(styles), g.constant(Tensor.of(energy, outs, ins)),
        g.constant(Tensor.of(epsilon, outs))));
  }

  /**
   * Transposed convolution of stride 2 and the low-pass filter after it. Row 2i of the former is row i by the kernel's
   * row 0 and row i - 1 by row 2, row 2i + 1 is row i by row 1, and so with columns. One row and column too many come
   * out, of zeros, which the filter needs anyway.
   */
  private Value upConv(Value x, Tensor weight) {
    List<Value> phases = new ArrayList<>();
    for (int[] rows : List.of(EVEN, ODD)) {
      for (int[] columns : List.of(EVEN, ODD)) {
        phases.add(ops.conv(x, taps(weight, rows, columns), new Padding(rows.length - 1, columns.length - 1, 1, 1), 1));
      }
    }
    int channels = (int) weight.shape()[0];
    return ops.conv(ops.interleave(phases), Layers.fir(channels, 4), new Padding(1, 1, 0, 0), channels);
  }

  /** Some rows and columns of kernels of 3×3, in this order. */
  private static Tensor taps(Tensor weight, int[] rows, int[] columns) {
    int kernels = weight.data().length / 9;
    float[] data = new float[kernels * rows.length * columns.length];
    int at = 0;
    for (int k = 0; k < kernels; k++) {
      for (int row : rows) {
        for (int column : columns) {
          data[at++] = weight.data()[k * 9 + row * 3 + column];
        }
      }
    }
    return new Tensor(new long[] {weight.shape()[0], weight.shape()[1], rows.length, columns.length}, data);
  }

  private Value addNoiseAndBias(String name, Value y, int resolution) {
    float[] noise = times(weights.get(name + ".noise_const").data(),
        Layers.GAIN * weights.get(name + ".noise_strength").data()[0]);
    float[] bias = times(weights.get(name + ".bias").data(), Layers.GAIN);
    if ((long) bias.length * noise.length > LARGEST_SUMMAND) {
      return Ops.add(Ops.add(y, ops.perPixel(g, noise, resolution)), ops.perChannel(g, bias, resolution));
    }
    Tensor both = Tensor.zeros(bias.length, resolution, resolution);
    for (int i = 0; i < both.data().length; i++) {
      both.data()[i] = bias[i / noise.length] + noise[i % noise.length];
    }
    return Ops.add(y, ops.constant(g, both));
  }

  /** Modulated 1×1 convolution to image channels, without demodulation: [N, C, H, W] in the usual order. */
  private Value toRgb(String name, Value x, int resolution, int layer) {
    Tensor weight = weights.get(name + ".weight");
    Value styles = styles(name, layer, 1 / Math.sqrt(weight.shape()[1]));
    Value y = ops.image(Ops.mul(x, ops.perChannel(styles, resolution)), resolution, resolution);
    return ops.unblocked(ops.pointwise(y, weight, weights.get(name + ".bias")), config.channels());
  }

  /** A layer's styles, times a factor: [N, I]. */
  private Value styles(String name, int layer, double factor) {
    Tensor weight = weights.get(name + ".affine.weight");
    Tensor bias = weights.get(name + ".affine.bias");
    return Ops.affine(ws.get(layer),
        g.constant(new Tensor(weight.shape(), times(weight.data(), factor / Math.sqrt(config.wDim())))),
        g.constant(new Tensor(bias.shape(), times(bias.data(), factor))));
  }

  private static float[] times(float[] values, double factor) {
    float[] product = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      product[i] = (float) (values[i] * factor);
    }
    return product;
  }
}
