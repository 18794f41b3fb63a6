package dev.lethe.models.stylegan2;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.cast;
import static dev.lethe.models.graph.Ops.clip;
import static dev.lethe.models.graph.Ops.concat;
import static dev.lethe.models.graph.Ops.conv;
import static dev.lethe.models.graph.Ops.convTranspose;
import static dev.lethe.models.graph.Ops.div;
import static dev.lethe.models.graph.Ops.gemm;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMax;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.rsqrt;
import static dev.lethe.models.graph.Ops.slice;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;
import static dev.lethe.models.graph.Ops.transpose;
import static dev.lethe.models.graph.Ops.unsqueezeTo;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Value;
import java.util.List;

/**
 * The generator: mapping (z, class → w) and synthesis (w → image), with skip connections. Parameters are named as the
 * reference names them, after {@code G.}.
 *
 * <p>Modulation scales the activations, convolves with the weight that all images share and scales the result by the
 * demodulation coefficients: the same function as the reference's per-image weights (section 2.2, eq. 1-3), as one
 * ordinary convolution.
 */
public final class GeneratorNetwork {

  static final String MAPPING = "G.mapping";
  /** Weight [w_dim, classes] whose column c is all that the mapping network of a conditional model knows of class c. */
  static final String LABEL_EMBEDDING = MAPPING + ".embed.weight";
  static final String LABEL_BIAS = MAPPING + ".embed.bias";
  static final String SYNTHESIS = "G.synthesis.b";
  static final String W_AVG = MAPPING + ".w_avg";
  static final String NOISE_CONST = ".noise_const";
  /** Largest activation in half precision, the reference's clamp: √(9 · 512) of it added up are still no infinity. */
  private static final double LARGEST_HALF = 256;

  private GeneratorNetwork() {}

  /** False for the statistics and buffers that training leaves alone: w_avg and the constant noise. */
  public static boolean isTrainable(String parameter) {
    return !parameter.equals(W_AVG) && !parameter.endsWith(NOISE_CONST);
  }

  /** Whether a parameter is of a synthesis layer up to this resolution; of other networks, false. */
  static boolean isSynthesisUpTo(String parameter, int resolution) {
    if (!parameter.startsWith(SYNTHESIS)) {
      return false;
    }
    int end = parameter.indexOf('.', SYNTHESIS.length());
    return Integer.parseInt(parameter.substring(SYNTHESIS.length(), end)) <= resolution;
  }

  /**
   * Mapping network.
   *
   * @param z [N, z_dim]
   * @param label one-hot [N, classes]; null for an unconditional model
   * @return w [N, w_dim]
   */
  public static Value mapping(Graph g, StyleGan2Config config, Value z, Value label) {
    Value x = Layers.normalizeSecondMoment(z);
    if (config.conditional()) {
      Value embedded = Layers.linear(g, MAPPING + ".embed", label, config.wDim());
      x = concat(1, List.of(x, Layers.normalizeSecondMoment(embedded)));
    }
    return Layers.mappingLayers(g, MAPPING, x, config.mappingLayers(), config.wDim());
  }

  /**
   * Truncation (Karras et al. 2019, appendix B): w_avg + ψ (w − w_avg).
   *
   * @param w [N, w_dim]
   * @param psi [N, 1]
   */
  public static Value truncate(Graph g, StyleGan2Config config, Value w, Value psi) {
    Value average = g.parameter(W_AVG, config.wDim());
    return add(average, mul(psi, sub(w, average)));
  }

  /** Noise values that one image takes: 16 + 2 (8² + ... + resolution²). */
  public static int noiseSize(StyleGan2Config config) {
    int size = 0;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      size += (r == 4 ? 1 : 2) * r * r;
    }
    return size;
  }

  /**
   * Synthesis network.
   *
   * @param ws [N, num_ws, w_dim]
   * @return image [N, C, H, W], about [-1, 1]
   */
  public static Value synthesis(Graph g, StyleGan2Config config, Value ws, Noise noise) {
    return synthesis(g, config, ws, noise, Precision.FP32);
  }

  /** The same in another precision; gradients are those of {@link Precision#FP32} alone. */
  static Value synthesis(Graph g, StyleGan2Config config, Value ws, Noise noise, Precision precision) {
    Synthesis synthesis = new Synthesis(g, config, ws, noise, precision);
    Value x = null;
    Value image = null;
    int layer = 0;
    for (int r = 4; r <= config.resolution(); r *= 2) {
      String block = SYNTHESIS + r;
      if (r == 4) {
        x = reshape(g.parameter(block + ".const", config.width(4), 4, 4), 1, config.width(4), 4, 4);
      } else {
        x = synthesis.layer(block + ".conv0", x, r, synthesis.w(layer++), true);
      }
      x = synthesis.layer(block + ".conv1", x, r, synthesis.w(layer++), false);
      // toRGB takes the w of the convolution after it.
      Value rgb = synthesis.toRgb(block + ".torgb", x, synthesis.w(layer));
      image = image == null ? rgb : add(Layers.upsample(image), rgb);
    }
    return image;
  }

  private static final class Synthesis {
    private final Graph g;
    private final StyleGan2Config config;
    private final Value ws;
    private final Noise noise;
    private final Precision precision;
    private int noiseOffset;

    Synthesis(Graph g, StyleGan2Config config, Value ws, Noise noise, Precision precision) {
      this.g = g;
      this.config = config;
      this.ws = ws;
      this.noise = noise;
      this.precision = precision;
    }

    Value w(int layer) {
      return reshape(slice(ws, 1, layer, layer + 1), ws.dim(0), config.wDim());
    }

    /** Modulated 3×3 convolution with demodulation, noise, bias and activation. */
    Value layer(String name, Value x, int resolution, Value w, boolean up) {
      long in = x.dim(1);
      long out = config.width(resolution);
      Value weight = g.parameter(name + ".weight", out, in, 3, 3);
      Value styles = Layers.linear(g, name + ".affine", w, in);
      DataType type = MixedPrecision.at(precision, resolution, config);
      if (type == DataType.FLOAT16) {
        // Sums of products must stay below 65504. Demodulation undoes any scale of weights and styles, so both are
        // scaled to where they do: the largest weight of each output to 1/√(fan in), the largest style to 1.
        weight = div(weight, mul(largest(weight, 1, 2, 3), Math.sqrt(9.0 * in)));
        styles = div(styles, largest(styles, 1));
      }
      Value y = mul(cast(x, type), unsqueezeTo(cast(styles, type), 4));
      if (up) {
        Value upWeight = transpose(cast(weight, type), 1, 0, 2, 3);
        y = convTranspose(y, upWeight, new Window(2, 0, 0, 1), 2 * x.dim(2) + 1, 2 * x.dim(3) + 1);
        y = Layers.filter(y, 4, 1, 1);
      } else {
        y = conv(y, cast(weight, type), Window.same(3));
      }
      Value energy = reshape(reduceSum(square(weight), 2, 3), out, in);
      Value demodulation = rsqrt(add(gemm(square(styles), energy, false, true, 1), Layers.EPSILON));
      y = mul(y, unsqueezeTo(cast(mul(demodulation, Layers.GAIN), type), 4));
      y = Layers.activate(Layers.bias(g, name, addNoise(name, y, resolution), Layers.GAIN));
      return type == DataType.FLOAT16 ? clip(y, Math.min(LARGEST_HALF, clamp())) : clamped(y);
    }

    private Value clamped(Value y) {
      return config.convClamp() == null ? y : clip(y, config.convClamp());
    }

    private double clamp() {
      return config.convClamp() == null ? Double.POSITIVE_INFINITY : config.convClamp();
    }

    private static Value largest(Value x, int... axes) {
      return add(reduceMax(abs(x), axes), Layers.EPSILON);
    }

    private Value addNoise(String name, Value y, int resolution) {
      int size = resolution * resolution;
      Value values;
      if (noise instanceof Noise.Given given) {
        values = reshape(slice(given.value(), 1, noiseOffset, noiseOffset + size),
            given.value().dim(0), 1, resolution, resolution);
        noiseOffset += size;
      } else if (noise instanceof Noise.Constant) {
        values = reshape(g.parameter(name + NOISE_CONST, resolution, resolution), 1, 1, resolution, resolution);
      } else {
        return y;
      }
      Value scaled = mul(values, mul(g.parameter(name + ".noise_strength", 1), Layers.GAIN));
      return add(y, cast(scaled, y.type()));
    }

    /** Modulated 1×1 convolution to image channels, without demodulation. */
    Value toRgb(String name, Value x, Value w) {
      long in = x.dim(1);
      Value weight = g.parameter(name + ".weight", config.channels(), in, 1, 1);
      Value styles = mul(Layers.linear(g, name + ".affine", w, in), 1 / Math.sqrt(in));
      Value y = conv(mul(x, unsqueezeTo(cast(styles, x.type()), 4)), cast(weight, x.type()), Window.same(1));
      return clamped(Layers.bias(g, name, cast(y, DataType.FLOAT), 1));
    }
  }
}
