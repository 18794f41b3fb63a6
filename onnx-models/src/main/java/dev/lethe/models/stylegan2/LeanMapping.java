package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.List;
import java.util.Map;

/**
 * The mapping network in as few operators as it takes: the same w as {@link Generator#mapping} and
 * {@link Generator#truncate}, but for rounding, from the same inputs and weights. An operator on one short vector takes
 * longer to call than to compute.
 *
 * <ul>
 *   <li>Gains and biases are in the matrices' products, which ONNX Runtime fuses with the activation.
 *   <li>What the first layer makes of each class is a row of its matrix: labels must be one-hot.
 * </ul>
 */
final class LeanMapping {

  private LeanMapping() {}

  /**
   * z [N, z_dim], c [N, classes] of a conditional model, psi [N, 1] → ws [N, num_ws, w_dim]. The weights are in it.
   *
   * @param weights of the mapping network, by name
   */
  static Graph graph(StyleGan2Config config, Map<String, Tensor> weights) {
    Graph g = new Graph("lean_mapping");
    int wDim = config.wDim();
    Value x = Ops.normalizeRms(g.input("z", Shapes.FREE, config.zDim()), Layers.EPSILON);
    Tensor matrix = matrix(weights, 0);
    if (config.conditional()) {
      x = Ops.concat(1, List.of(x, g.input("c", Shapes.FREE, config.classes())));
      matrix = matrix.rows(0, config.zDim()).then(
          product(embeddings(config, weights), matrix.rows(config.zDim(), config.zDim() + wDim)));
    }
    Value psi = g.input("psi", Shapes.FREE, 1);
    for (int i = 0; i < config.mappingLayers(); i++) {
      Value y = Ops.matmul(x, g.constant(i == 0 ? matrix : matrix(weights, i)));
      x = Layers.activate(Ops.add(y, g.constant(bias(weights, i))));
    }
    float[] average = weights.get(GeneratorNetwork.W_AVG).data();
    Value offset = Ops.mul(Ops.sub(x, g.constant(Tensor.of(average, wDim))), psi);
    // Adding the average to each layer's makes one w for each layer.
    Tensor averages = Tensor.zeros(1, config.numWs(), wDim);
    for (int i = 0; i < config.numWs(); i++) {
      System.arraycopy(average, 0, averages.data(), i * wDim, wDim);
    }
    g.output("ws", Ops.add(Ops.reshape(offset, Shapes.FREE, 1, wDim), g.constant(averages)));
    return g;
  }

  /** A layer's weight transposed, [in, out], with its gains. */
  private static Tensor matrix(Map<String, Tensor> weights, int layer) {
    Tensor weight = weights.get(GeneratorNetwork.MAPPING + ".fc" + layer + ".weight");
    int outs = (int) weight.shape()[0];
    int ins = (int) weight.shape()[1];
    double gain = Layers.GAIN * Layers.MAPPING_MULTIPLIER / Math.sqrt(ins);
    Tensor matrix = Tensor.zeros(ins, outs);
    for (int k = 0; k < ins * outs; k++) {
      matrix.data()[k % ins * outs + k / ins] = (float) (weight.data()[k] * gain);
    }
    return matrix;
  }

  private static Tensor bias(Map<String, Tensor> weights, int layer) {
    float[] bias = weights.get(GeneratorNetwork.MAPPING + ".fc" + layer + ".bias").data().clone();
    for (int i = 0; i < bias.length; i++) {
      bias[i] *= (float) (Layers.GAIN * Layers.MAPPING_MULTIPLIER);
    }
    return Tensor.of(bias, bias.length);
  }

  /** Each class's embedding, normalized: [classes, w_dim]. */
  private static Tensor embeddings(StyleGan2Config config, Map<String, Tensor> weights) {
    float[] weight = weights.get(GeneratorNetwork.LABEL_EMBEDDING).data();
    float[] bias = weights.get(GeneratorNetwork.LABEL_BIAS).data();
    int classes = config.classes();
    Tensor embeddings = Tensor.zeros(classes, bias.length);
    for (int c = 0; c < classes; c++) {
      double[] row = new double[bias.length];
      double squares = 0;
      for (int i = 0; i < row.length; i++) {
        row[i] = weight[i * classes + c] / Math.sqrt(classes) + bias[i];
        squares += row[i] * row[i];
      }
      double deviation = Math.sqrt(squares / row.length + Layers.EPSILON);
      for (int i = 0; i < row.length; i++) {
        embeddings.data()[c * row.length + i] = (float) (row[i] / deviation);
      }
    }
    return embeddings;
  }

  /** a [R, K] b [K, C] → [R, C]. */
  private static Tensor product(Tensor a, Tensor b) {
    int rows = (int) a.shape()[0];
    int common = (int) a.shape()[1];
    int columns = (int) b.shape()[1];
    Tensor product = Tensor.zeros(rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        double sum = 0;
        for (int k = 0; k < common; k++) {
          sum += (double) a.data()[r * common + k] * b.data()[k * columns + c];
        }
        product.data()[r * columns + c] = (float) sum;
      }
    }
    return product;
  }
}
