package dev.lethe.models.stylegan2;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.cast;
import static dev.lethe.models.graph.Ops.conv;
import static dev.lethe.models.graph.Ops.convTranspose;
import static dev.lethe.models.graph.Ops.gemm;
import static dev.lethe.models.graph.Ops.leakyRelu;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.rsqrt;
import static dev.lethe.models.graph.Ops.square;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;

/** What both networks are made of, with the reference's gains. */
public final class Layers {

  public static final double EPSILON = 1e-8;
  /** Of leaky ReLUs below zero. */
  static final double SLOPE = 0.2;
  /** Keeps the variance of activations through a leaky ReLU. */
  public static final double GAIN = Math.sqrt(2);
  /** Learning rate multiplier of mapping networks. */
  static final double MAPPING_MULTIPLIER = 0.01;
  private static final float[] FIR = {1, 3, 3, 1};

  private Layers() {}

  /**
   * Leaky ReLU. Its gain, {@link #GAIN}, is for the caller to put before it, into weights, biases and coefficients:
   * gain · lrelu(x) = lrelu(gain · x), and those are small where x is large.
   */
  public static Value activate(Value x) {
    return leakyRelu(x, SLOPE);
  }

  /** Fully connected with equalized learning rate: x [N, in] → [N, out]. */
  public static Value linear(Graph g, String name, Value x, long out) {
    return linear(g, name, x, out, 1, 1);
  }

  /** The same with an activation. */
  static Value activatedLinear(Graph g, String name, Value x, long out, double multiplier) {
    return activate(linear(g, name, x, out, multiplier, GAIN));
  }

  private static Value linear(Graph g, String name, Value x, long out, double multiplier, double gain) {
    Value weight = g.parameter(name + ".weight", out, x.dim(1));
    Value bias = g.parameter(name + ".bias", out);
    return add(gemm(x, weight, false, true, gain * multiplier / Math.sqrt(x.dim(1))), mul(bias, gain * multiplier));
  }

  /** x / √(mean x² + ε) over the features. */
  static Value normalizeSecondMoment(Value x) {
    return mul(x, rsqrt(add(reduceMean(square(x), 1), EPSILON)));
  }

  /** The fully connected stack of a mapping network: x [N, in] → [N, width]. */
  static Value mappingLayers(Graph g, String name, Value x, int layers, long width) {
    Value y = x;
    for (int i = 0; i < layers; i++) {
      y = activatedLinear(g, name + ".fc" + i, y, width, MAPPING_MULTIPLIER);
    }
    return y;
  }

  /** [C] → [1, C, 1, 1]. */
  static Value perChannel(Value x) {
    return reshape(x, 1, x.dim(0), 1, 1);
  }

  /** Equalized convolution, bias and activation, times {@code gain}. */
  static Value activatedConv(Graph g, String name, Value x, long out, int kernel, Window window, double gain) {
    return activate(bias(g, name, equalizedConv(g, name, x, out, kernel, window, GAIN * gain), GAIN * gain));
  }

  /** Equalized convolution: the weight times gain/√(fan in). */
  static Value equalizedConv(Graph g, String name, Value x, long out, int kernel, Window window, double gain) {
    Value weight = g.parameter(name + ".weight", out, x.dim(1), kernel, kernel);
    return conv(x, mul(weight, gain / Math.sqrt(x.dim(1) * kernel * kernel)), window);
  }

  /** Adds gain times the bias. */
  public static Value bias(Graph g, String name, Value x, double gain) {
    return add(x, cast(perChannel(mul(g.parameter(name + ".bias", x.dim(1)), gain)), x.type()));
  }

  /** Low-pass filter [1, 3, 3, 1] of both axes, each channel by itself. Stride 1 or 2. */
  public static Value filter(Value x, double gain, int stride, int pad) {
    int channels = (int) x.dim(1);
    return conv(x, cast(x.graph().constant(fir(channels, gain)), x.type()), new Window(stride, pad, pad, channels));
  }

  /** Doubles height and width: zeros between pixels, then the filter. */
  public static Value upsample(Value x) {
    int channels = (int) x.dim(1);
    Value kernel = x.graph().constant(fir(channels, 4));
    return convTranspose(x, kernel, new Window(2, 1, 1, channels), 2 * x.dim(2), 2 * x.dim(3));
  }

  /** What {@link #upsample} does to one axis of a size, as a matrix: [2 size, size]. */
  static Tensor upsampling(int size) {
    Tensor matrix = Tensor.zeros(2L * size, size);
    for (int i = 0; i < size; i++) {
      for (int k = 0; k < FIR.length; k++) {
        int to = 2 * i + k - 1;
        if (to >= 0 && to < 2 * size) {
          matrix.data()[to * size + i] = FIR[k] / 4;
        }
      }
    }
    return matrix;
  }

  /** The low-pass filter's kernel for each channel, [channels, 1, 4, 4]; it sums to the gain. */
  static Tensor fir(int channels, double gain) {
    Tensor kernel = Tensor.zeros(channels, 1, FIR.length, FIR.length);
    for (int i = 0; i < kernel.data().length; i++) {
      float vertical = FIR[i / FIR.length % FIR.length];
      float horizontal = FIR[i % FIR.length];
      kernel.data()[i] = (float) (gain * vertical * horizontal / 64);
    }
    return kernel;
  }
}
