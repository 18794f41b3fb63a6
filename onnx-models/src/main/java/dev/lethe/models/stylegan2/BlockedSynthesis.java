package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.BlockedOps;
import dev.lethe.models.graph.BlockedOps.Padding;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.graph.Winograd;
import dev.lethe.models.stylegan2.BlockedModulation.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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
 *   <li>Noise, bias and activation are the convolution's last step, in one pass over memory: demodulation comes after
 *       them ({@link BlockedModulation}).
 * </ul>
 */
final class BlockedSynthesis {

  /** From how many channels on each side the products that Winograd saves take longer than its transforms. */
  private static final int MANY_CHANNELS = 256;
  /** From what height and width on: below, reading four times the weights takes longer. */
  private static final int LARGE_IMAGE = 16;
  private static final int[] EVEN = {2, 0};
  private static final int[] ODD = {1};

  private final StyleGan2Config config;
  private final Map<String, Tensor> weights;
  private final BlockedOps ops;
  private final Winograd winograd;
  private final Graph g = new Graph("blocked_synthesis");
  private final Map<String, Layer> convolutions = new LinkedHashMap<>();
  private final BlockedModulation modulation;

  private BlockedSynthesis(StyleGan2Config config, Map<String, Tensor> weights, int block) {
    this.config = config;
    this.weights = weights;
    this.ops = new BlockedOps(block);
    this.winograd = new Winograd(ops);
    List<Layer> toRgbs = new ArrayList<>();
    int w = 0;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String at = GeneratorNetwork.SYNTHESIS + r;
      if (r > 4) {
        add(at + ".conv0", w++);
      }
      add(at + ".conv1", w++);
      // toRGB takes the w of the convolution after it.
      toRgbs.add(new Layer(at + ".torgb", w, weights.get(at + ".torgb.weight")));
    }
    this.modulation = BlockedModulation.of(g.input("ws", Shapes.FREE, config.numWs(), config.wDim()), weights, ops,
        List.copyOf(convolutions.values()), toRgbs, config.convClamp());
  }

  private void add(String name, int w) {
    convolutions.put(name, new Layer(name, w, weights.get(name + ".weight")));
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
    Value x = ops.constant(g, weights.get(GeneratorNetwork.SYNTHESIS + "4.const"));
    Value image = null;
    Value bias = null;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String at = GeneratorNetwork.SYNTHESIS + r;
      if (r > 4) {
        x = layer(convolutions.get(at + ".conv0"), x, r, true);
      }
      x = layer(convolutions.get(at + ".conv1"), x, r, false);
      // toRGB: a modulated 1×1 convolution without demodulation.
      String toRgb = at + ".torgb";
      Value color = ops.project(x, modulation.projections().get(toRgb));
      Value shift = g.constant(Tensor.of(weights.get(toRgb + ".bias").data(), 1, config.channels(), 1, 1));
      if (config.convClamp() == null) {
        image = onto(image, color);
        bias = onto(bias, Ops.expand(shift, 1, config.channels(), r, r));
      } else {
        image = onto(image, Ops.clip(Ops.add(color, shift), config.convClamp()));
      }
    }
    // Without limits, the biases of all resolutions are a constant image.
    return bias == null ? image : Ops.add(image, bias);
  }

  /** An image drawn over one of half its height and width, if there is one. */
  private Value onto(Value smaller, Value image) {
    if (smaller == null) {
      return image;
    }
    // With so few channels, matrices for the columns and for the rows are faster than a convolution.
    int size = (int) smaller.dim(2);
    Value wide = Ops.matmul(smaller, Ops.transpose(g.constant(Layers.upsampling(size)), 1, 0));
    return Ops.add(Ops.matmul(g.constant(Layers.upsampling(size)), wide), image);
  }

  /**
   * Modulated 3×3 convolution with noise, bias and activation: blocked, [N, C, H, W]. Its demodulation is left to the
   * layers after it.
   */
  private Value layer(Layer layer, Value x, int resolution, boolean up) {
    Value y = activated(layer, x, resolution, up);
    return config.convClamp() == null ? y : ops.clamp(y, modulation.limits().get(layer.name()));
  }

  private Value activated(Layer layer, Value x, int resolution, boolean up) {
    int before = up ? resolution / 2 : resolution;
    Value y = ops.image(Ops.mul(ops.pixels(x), modulation.factors().get(layer.name())), before, before);
    Value summand = ops.plane(weights.get(layer.name() + GeneratorNetwork.NOISE_CONST),
        modulation.summands().get(layer.name()));
    if (up) {
      return upConv(y, layer.weight(), summand);
    }
    if (Math.min(layer.ins(), layer.outs()) >= MANY_CHANNELS && resolution >= LARGE_IMAGE) {
      return Layers.activate(Ops.add(winograd.conv(y, layer.weight()), summand));
    }
    return ops.activatedConv(y, layer.weight(), Padding.all(1), 1, summand, Layers.SLOPE);
  }

  /**
   * Transposed convolution of stride 2 and the low-pass filter after it. Row 2i of the former is row i by the kernel's
   * row 0 and row i - 1 by row 2, row 2i + 1 is row i by row 1, and so with columns. One row and column too many come
   * out, of zeros, which the filter needs anyway. The filter's sums are activated.
   */
  private Value upConv(Value x, Tensor weight, Value summand) {
    List<Value> phases = new ArrayList<>();
    for (int[] rows : List.of(EVEN, ODD)) {
      for (int[] columns : List.of(EVEN, ODD)) {
        phases.add(ops.conv(x, taps(weight, rows, columns), new Padding(rows.length - 1, columns.length - 1, 1, 1), 1));
      }
    }
    int channels = (int) weight.shape()[0];
    return ops.activatedConv(ops.interleave(phases), Layers.fir(channels, 4), new Padding(1, 1, 0, 0), channels,
        summand, Layers.SLOPE);
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
}
