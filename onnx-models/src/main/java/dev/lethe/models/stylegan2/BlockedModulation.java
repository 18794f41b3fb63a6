package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.BlockedOps;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/**
 * Styles and demodulation coefficients of all layers of a {@link BlockedSynthesis} at once, in rows of one width: layer
 * by layer they would be most of the graph's nodes, and with small images these take longer than what they compute.
 *
 * <p>A layer's demodulation d is left to what comes after it: lrelu(d y + b) = d lrelu(y + b / d), since d is positive.
 * So d is one factor with the styles of the next layer, and what is added before the activation is divided by it, as is
 * the limit of the result.
 *
 * @param factors by name of a convolution: what its input is multiplied by, for {@link BlockedOps#pixels}
 * @param summands by name of a convolution: strength of the noise and bias, for {@link BlockedOps#plane}
 * @param projections by name of a toRGB layer: its weight for each image, for {@link BlockedOps#project}
 * @param limits by name of a convolution: what its output before demodulation must stay within, for
 *     {@link BlockedOps#clamp}; empty if there is no limit
 */
record BlockedModulation(Map<String, Value> factors, Map<String, Value> summands, Map<String, Value> projections,
    Map<String, Value> limits) {

  /**
   * A modulated convolution.
   *
   * @param w index of the w that its styles are made of
   * @param weight [O, I, k, k]
   */
  record Layer(String name, int w, Tensor weight) {
    int ins() {
      return (int) weight.shape()[1];
    }

    int outs() {
      return (int) weight.shape()[0];
    }
  }

  /**
   * @param ws [N, num_ws, w_dim]
   * @param weights of the synthesis network, by name
   * @param convolutions in their order; each takes what the one before puts out
   * @param toRgbs each takes what the convolution of the w before its own puts out
   * @param convClamp limit of the convolutions; null: none
   */
  static BlockedModulation of(Value ws, Map<String, Tensor> weights, BlockedOps ops, List<Layer> convolutions,
      List<Layer> toRgbs, Double convClamp) {
    Graph g = ws.graph();
    List<Layer> layers = new ArrayList<>(convolutions);
    layers.addAll(toRgbs);
    int count = convolutions.size();
    int width = layers.stream().mapToInt(layer -> Math.max(layer.ins(), layer.outs())).max().getAsInt();
    Value rows = Ops.gather(Ops.transpose(ws, 1, 0, 2), layers.stream().mapToLong(Layer::w).toArray());
    Value styles = Ops.add(Ops.matmul(rows, g.constant(affine(layers, weights, width))),
        g.constant(biases(layers, weights, width)));
    // √(Σ (weight · style)² + ε) / √2: the gain of the activation goes with it.
    Value sums = Ops.matmul(Ops.square(Ops.slice(styles, 0, 0, count + 1)), g.constant(energies(convolutions, width)));
    Value roots = Ops.sqrt(Ops.add(sums, g.constant(epsilons(count))));
    long[] before = layers.stream().mapToLong(layer -> layer.w() == 0 ? count : layer.w() - 1).toArray();
    List<Value> scaled = Ops.split(
        Ops.transpose(Ops.mul(styles, Ops.gather(Ops.reciprocal(roots), before)), 1, 0, 2), 1, count, toRgbs.size());
    int most = width / ops.block();
    Value matrices = Ops.mul(Ops.reshape(scaled.get(1), ws.dim(0), (long) toRgbs.size() * most, ops.block(), 1),
        g.constant(colors(toRgbs, width, ops.block())));
    Value terms = Ops.mul(
        Ops.reshape(Ops.transpose(roots, 1, 0, 2), ws.dim(0), (count + 1L) * most, 1, ops.block()),
        g.constant(terms(convolutions, weights, width, ops.block())));
    return new BlockedModulation(
        share(ops.perChannel(scaled.get(0)), convolutions, layer -> layer.ins() / ops.block(), most),
        share(terms, convolutions, layer -> layer.outs() / ops.block(), most),
        share(matrices, toRgbs, layer -> layer.ins() / ops.block(), most),
        convClamp == null ? Map.of() : share(ops.perChannel(Ops.transpose(Ops.mul(roots, convClamp), 1, 0, 2)),
            convolutions, layer -> layer.outs() / ops.block(), most));
  }

  /** Each layer's matrix from w to its styles, [layers, w_dim, width]. */
  private static Tensor affine(List<Layer> layers, Map<String, Tensor> weights, int width) {
    int wDim = (int) weights.get(layers.get(0).name() + ".affine.weight").shape()[1];
    Tensor affine = Tensor.zeros(layers.size(), wDim, width);
    for (int i = 0; i < layers.size(); i++) {
      float[] matrix = weights.get(layers.get(i).name() + ".affine.weight").data();
      for (int k = 0; k < matrix.length; k++) {
        affine.data()[(i * wDim + k % wDim) * width + k / wDim] = (float) (matrix[k] / Math.sqrt(wDim));
      }
    }
    return affine;
  }

  /** [layers, 1, width]. */
  private static Tensor biases(List<Layer> layers, Map<String, Tensor> weights, int width) {
    Tensor biases = Tensor.zeros(layers.size(), 1, width);
    for (int i = 0; i < layers.size(); i++) {
      float[] bias = weights.get(layers.get(i).name() + ".affine.bias").data();
      System.arraycopy(bias, 0, biases.data(), i * width, bias.length);
    }
    return biases;
  }

  /**
   * Σ weight² of each kernel, over the squared gain of the activation: [convolutions + 1, width, width]. The last is of
   * a layer before the first one, which leaves its output as it is: nothing but its ε.
   */
  private static Tensor energies(List<Layer> convolutions, int width) {
    Tensor energies = Tensor.zeros(convolutions.size() + 1, width, width);
    for (int i = 0; i < convolutions.size(); i++) {
      Layer layer = convolutions.get(i);
      int taps = layer.weight().data().length / layer.outs() / layer.ins();
      for (int k = 0; k < layer.outs() * layer.ins(); k++) {
        double sum = 0;
        for (int t = 0; t < taps; t++) {
          double tap = layer.weight().data()[k * taps + t];
          sum += tap * tap;
        }
        energies.data()[(i * width + k % layer.ins()) * width + k / layer.ins()] =
            (float) (sum / (Layers.GAIN * Layers.GAIN));
      }
    }
    return energies;
  }

  private static Tensor epsilons(int convolutions) {
    Tensor epsilons = Tensor.zeros(convolutions + 1, 1, 1);
    Arrays.fill(epsilons.data(), (float) (Layers.EPSILON / (Layers.GAIN * Layers.GAIN)));
    epsilons.data()[convolutions] = 1;
    return epsilons;
  }

  /** Noise strength and biases with the gain of the activation, [1, (convolutions + 1) · width / block, 2, block]. */
  private static Tensor terms(List<Layer> convolutions, Map<String, Tensor> weights, int width, int block) {
    Tensor terms = Tensor.zeros(1, (convolutions.size() + 1L) * width / block, 2, block);
    for (int i = 0; i < convolutions.size(); i++) {
      String name = convolutions.get(i).name();
      float strength = weights.get(name + ".noise_strength").data()[0];
      float[] bias = weights.get(name + ".bias").data();
      for (int c = 0; c < bias.length; c++) {
        int at = 2 * (i * width + c / block * block) + c % block;
        terms.data()[at] = (float) (strength * Layers.GAIN);
        terms.data()[at + block] = (float) (bias[c] * Layers.GAIN);
      }
    }
    return terms;
  }

  /** Weights of toRGB layers, [1, layers · width / block, block, C]. */
  private static Tensor colors(List<Layer> toRgbs, int width, int block) {
    int channels = toRgbs.get(0).outs();
    Tensor colors = Tensor.zeros(1, (long) toRgbs.size() * width / block, block, channels);
    for (int i = 0; i < toRgbs.size(); i++) {
      Layer layer = toRgbs.get(i);
      for (int k = 0; k < channels * layer.ins(); k++) {
        colors.data()[(i * width + k % layer.ins()) * channels + k / layer.ins()] =
            (float) (layer.weight().data()[k] / Math.sqrt(layer.ins()));
      }
    }
    return colors;
  }

  /**
   * Each layer's part of rows one after another, [N, blocks, ...].
   *
   * @param used how many blocks of its row a layer takes, of {@code most}
   */
  private static Map<String, Value> share(Value rows, List<Layer> layers, ToIntFunction<Layer> used, int most) {
    // What fills up rows are pieces of their own, which nobody takes.
    List<Long> sizes = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      long size = used.applyAsInt(layers.get(i));
      long row = i < layers.size() - 1 ? most : rows.dim(1) - (long) i * most;
      sizes.add(size);
      names.add(layers.get(i).name());
      if (size < row) {
        sizes.add(row - size);
        names.add("");
      }
    }
    List<Value> pieces = Ops.split(rows, 1, sizes.stream().mapToLong(size -> size).toArray());
    Map<String, Value> shares = new HashMap<>();
    for (int i = 0; i < pieces.size(); i++) {
      shares.put(names.get(i), pieces.get(i));
    }
    return shares;
  }
}
