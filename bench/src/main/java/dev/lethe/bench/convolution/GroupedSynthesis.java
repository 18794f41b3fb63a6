package dev.lethe.bench.convolution;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.conv;
import static dev.lethe.models.graph.Ops.convTranspose;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.rsqrt;
import static dev.lethe.models.graph.Ops.slice;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.transpose;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.Layers;
import dev.lethe.models.stylegan2.StyleGan2Config;

/**
 * The synthesis network in the form that an ordinary export of a PyTorch implementation has: the weight is modulated
 * and demodulated for each image, and one convolution with as many groups as images applies them (Karras et al. 2020,
 * appendix B). The same parameters and the same images as {@link dev.lethe.models.stylegan2.Generator#synthesis}; the
 * batch is fixed, as the number of groups is.
 */
final class GroupedSynthesis {

  private final Graph graph = new Graph("grouped_synthesis");
  private final StyleGan2Config config;
  private final int batch;
  private final Value ws;

  private GroupedSynthesis(StyleGan2Config config, int batch) {
    this.config = config;
    this.batch = batch;
    this.ws = graph.input("ws", batch, config.numWs(), config.wDim());
  }

  /** ws [batch, num_ws, w_dim] → image [batch, C, H, W]. */
  static Graph graph(StyleGan2Config config, int batch) {
    GroupedSynthesis synthesis = new GroupedSynthesis(config, batch);
    synthesis.graph.output("image", synthesis.image());
    return synthesis.graph;
  }

  private Value image() {
    Value x = null;
    Value image = null;
    int layer = 0;
    for (int resolution = 4; resolution <= config.resolution(); resolution *= 2) {
      String block = "G.synthesis.b" + resolution;
      if (resolution == 4) {
        Value constant = graph.parameter(block + ".const", config.width(4), 4, 4);
        x = add(reshape(constant, 1, config.width(4), 4, 4), graph.constant(zeros(config.width(4))));
      } else {
        x = layer(block + ".conv0", x, resolution, layer++, true);
      }
      x = layer(block + ".conv1", x, resolution, layer++, false);
      Value rgb = toRgb(block + ".torgb", x, layer);
      image = image == null ? rgb : add(Layers.upsample(image), rgb);
    }
    return image;
  }

  private Tensor zeros(int width) {
    return Tensor.zeros(batch, width, 4, 4);
  }

  private Value styles(String name, long in, int layer) {
    Value w = reshape(slice(ws, 1, layer, layer + 1), batch, config.wDim());
    return reshape(Layers.linear(graph, name + ".affine", w, in), batch, 1, in, 1, 1);
  }

  private Value layer(String name, Value x, int resolution, int layer, boolean up) {
    long in = x.dim(1);
    long out = config.width(resolution);
    Value weight = mul(reshape(graph.parameter(name + ".weight", out, in, 3, 3), 1, out, in, 3, 3),
        styles(name, in, layer));
    Value demodulated = mul(weight, rsqrt(add(reduceSum(square(weight), 2, 3, 4), Layers.EPSILON)));
    Value grouped = reshape(x, 1, batch * in, x.dim(2), x.dim(3));
    Value y;
    if (up) {
      Value transposed = reshape(transpose(demodulated, 0, 2, 1, 3, 4), batch * in, out, 3, 3);
      y = convTranspose(grouped, transposed, new Window(2, 0, 0, batch), 2 * x.dim(2) + 1, 2 * x.dim(3) + 1);
      y = Layers.filter(reshape(y, batch, out, y.dim(2), y.dim(3)), 4, 1, 1);
    } else {
      y = conv(grouped, reshape(demodulated, batch * out, in, 3, 3), new Window(1, 1, 1, batch));
      y = reshape(y, batch, out, resolution, resolution);
    }
    Value noise = mul(graph.parameter(name + ".noise_const", resolution, resolution),
        graph.parameter(name + ".noise_strength", 1));
    y = add(y, reshape(noise, 1, 1, resolution, resolution));
    return mul(Layers.activate(Layers.bias(graph, name, y, 1)), Layers.GAIN);
  }

  private Value toRgb(String name, Value x, int layer) {
    long in = x.dim(1);
    Value styles = mul(styles(name, in, layer), 1 / Math.sqrt(in));
    Value weight = mul(reshape(graph.parameter(name + ".weight", config.channels(), in, 1, 1), 1, config.channels(),
        in, 1, 1), styles);
    Value y = conv(reshape(x, 1, batch * in, x.dim(2), x.dim(3)),
        reshape(weight, (long) batch * config.channels(), in, 1, 1), new Window(1, 0, 0, batch));
    return Layers.bias(graph, name, reshape(y, batch, config.channels(), x.dim(2), x.dim(3)), 1);
  }
}
