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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

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
  private static final int LARGEST_SUMMAND = 1 << 23;
  private static final int[] EVEN = {2, 0};
  private static final int[] ODD = {1};

  /**
   * A modulated convolution.
   *
   * @param w index of the w that its styles are made of
   */
  private record Layer(String name, int w, Tensor weight) {
    int ins() {
      return (int) weight.shape()[1];
    }

    int outs() {
      return (int) weight.shape()[0];
    }
  }

  private final StyleGan2Config config;
  private final Map<String, Tensor> weights;
  private final BlockedOps ops;
  private final Winograd winograd;
  private final Graph g = new Graph("blocked_synthesis");
  private final Map<String, Layer> convolutions = new LinkedHashMap<>();
  private final Map<String, Layer> toRgbs = new LinkedHashMap<>();
  private final Map<String, Value> styles = new HashMap<>();
  private final Map<String, Value> demodulations = new HashMap<>();

  private BlockedSynthesis(StyleGan2Config config, Map<String, Tensor> weights, int block) {
    this.config = config;
    this.weights = weights;
    this.ops = new BlockedOps(block);
    this.winograd = new Winograd(ops);
    int w = 0;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String at = Generator.SYNTHESIS + r;
      if (r > 4) {
        add(convolutions, at + ".conv0", w++);
      }
      add(convolutions, at + ".conv1", w++);
      // toRGB takes the w of the convolution after it.
      add(toRgbs, at + ".torgb", w);
    }
  }

  private void add(Map<String, Layer> layers, String name, int w) {
    layers.put(name, new Layer(name, w, weights.get(name + ".weight")));
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
    modulate(g.input("ws", Shapes.FREE, config.numWs(), config.wDim()));
    Value x = ops.constant(g, weights.get(Generator.SYNTHESIS + "4.const"));
    Value image = null;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String at = Generator.SYNTHESIS + r;
      if (r > 4) {
        x = layer(convolutions.get(at + ".conv0"), x, r, true);
      }
      x = layer(convolutions.get(at + ".conv1"), x, r, false);
      Value rgb = toRgb(toRgbs.get(at + ".torgb"), x, r);
      image = image == null ? rgb : Ops.add(Layers.upsample(image), rgb);
    }
    return image;
  }

  /**
   * Styles and demodulation coefficients of all layers at once, in rows of one width: layer by layer they would be most
   * of the graph's nodes, and with small images these take longer than what they compute.
   */
  private void modulate(Value ws) {
    List<Layer> layers = new ArrayList<>(convolutions.values());
    layers.addAll(toRgbs.values());
    int count = convolutions.size();
    int width = layers.stream().mapToInt(layer -> Math.max(layer.ins(), layer.outs())).max().getAsInt();
    Tensor affine = Tensor.zeros(layers.size(), config.wDim(), width);
    Tensor bias = Tensor.zeros(layers.size(), 1, width);
    Tensor energy = Tensor.zeros(count, width, width);
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      double factor = i < count ? 1 : 1 / Math.sqrt(layer.ins());
      float[] matrix = weights.get(layer.name() + ".affine.weight").data();
      for (int k = 0; k < matrix.length; k++) {
        affine.data()[(i * config.wDim() + k % config.wDim()) * width + k / config.wDim()] =
            (float) (matrix[k] * factor / Math.sqrt(config.wDim()));
      }
      float[] biases = times(weights.get(layer.name() + ".affine.bias").data(), factor);
      System.arraycopy(biases, 0, bias.data(), i * width, biases.length);
      if (i < count) {
        for (int k = 0; k < layer.ins() * layer.outs(); k++) {
          energy.data()[(i * width + k % layer.ins()) * width + k / layer.ins()] = energy(layer.weight(), k);
        }
      }
    }
    long[] indices = layers.stream().mapToLong(Layer::w).toArray();
    Value rows = Ops.add(Ops.matmul(Ops.gather(Ops.transpose(ws, 1, 0, 2), indices), g.constant(affine)),
        g.constant(bias));
    share(rows, layers, Layer::ins, width, styles);
    // √2 / √(Σ (weight · style)² + ε): the gain of the activation goes with it.
    Value sums = Ops.matmul(Ops.square(Ops.slice(rows, 0, 0, count)), g.constant(energy));
    share(Ops.rsqrt(Ops.add(sums, Layers.EPSILON / (Layers.GAIN * Layers.GAIN))), layers.subList(0, count), Layer::outs,
        width, demodulations);
  }

  /** Σ weight² of one kernel, over the squared gain of the activation. */
  private static float energy(Tensor weight, int kernel) {
    double sum = 0;
    for (int t = 0; t < 9; t++) {
      double tap = weight.data()[kernel * 9 + t];
      sum += tap * tap;
    }
    return (float) (sum / (Layers.GAIN * Layers.GAIN));
  }

  /** Gives each layer its part of rows [layers, N, width]. */
  private void share(Value rows, List<Layer> layers, ToIntFunction<Layer> channels, int width,
      Map<String, Value> shares) {
    // What fills up a row is a piece of its own, which nobody takes.
    List<Long> pieces = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (Layer layer : layers) {
      int used = channels.applyAsInt(layer);
      pieces.add((long) used);
      names.add(layer.name());
      if (used < width) {
        pieces.add((long) width - used);
        names.add("");
      }
    }
    List<Value> values = ops.perChannel(Ops.transpose(rows, 1, 0, 2), pieces.stream().mapToLong(p -> p).toArray());
    for (int i = 0; i < values.size(); i++) {
      shares.put(names.get(i), values.get(i));
    }
  }

  /** Modulated 3×3 convolution with demodulation, noise, bias and activation, of {@link BlockedOps#pixels}. */
  private Value layer(Layer layer, Value x, int resolution, boolean up) {
    int before = up ? resolution / 2 : resolution;
    Value y = ops.image(Ops.mul(x, styles.get(layer.name())), before, before);
    if (up) {
      y = upConv(y, layer.weight());
    } else if (Math.min(layer.ins(), layer.outs()) >= MANY_CHANNELS && resolution >= LARGE_IMAGE) {
      y = winograd.conv(y, layer.weight());
    } else {
      y = ops.conv(y, layer.weight(), Padding.all(1), 1);
    }
    y = Ops.mul(ops.pixels(y), demodulations.get(layer.name()));
    return Layers.activate(addNoiseAndBias(layer.name(), y, resolution));
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
      return Ops.add(Ops.add(y, ops.perPixel(g, noise)), ops.perChannel(g, bias));
    }
    Tensor both = Tensor.zeros(bias.length, resolution, resolution);
    for (int i = 0; i < both.data().length; i++) {
      both.data()[i] = bias[i / noise.length] + noise[i % noise.length];
    }
    return Ops.add(y, ops.constant(g, both));
  }

  /** Modulated 1×1 convolution to image channels, without demodulation: [N, C, H, W] in the usual order. */
  private Value toRgb(Layer layer, Value x, int resolution) {
    Value y = ops.image(Ops.mul(x, styles.get(layer.name())), resolution, resolution);
    return ops.unblocked(ops.pointwise(y, layer.weight(), weights.get(layer.name() + ".bias")), config.channels());
  }

  private static float[] times(float[] values, double factor) {
    float[] product = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      product[i] = (float) (values[i] * factor);
    }
    return product;
  }
}
