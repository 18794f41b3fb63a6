package dev.lethe.models.stylegan2;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.concat;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.sqrt;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.Collections;
import java.util.List;

/**
 * The discriminator: residual blocks, minibatch standard deviation, and projection for labels (Miyato and Koyama 2018).
 * Parameters are named as the reference names them, after {@code D.}.
 */
public final class Discriminator {

  private static final int LAST = 4;
  private static final int HEAD = 8;

  private Discriminator() {}

  /**
   * Adds the network to a graph.
   *
   * @param image [N, C, H, W]; N below or a multiple of the group of the minibatch standard deviation
   * @param label one-hot [N, classes]; null for an unconditional model
   * @return logits [N, 1]: above 0 for what looks real
   */
  public static Value logits(Graph g, StyleGan2Config config, Value image, Value label) {
    return head(g, config, stem(g, config, image), label);
  }

  /**
   * The blocks above 8×8, which see images one by one.
   *
   * @param image [N, C, H, W]
   * @return activations [N, width at 8×8, 8, 8]
   */
  public static Value stem(Graph g, StyleGan2Config config, Value image) {
    int top = config.resolution();
    Value x = Layers.activatedConv(g, block(top) + ".fromrgb", image, config.width(top), 1, Window.same(1), 1);
    for (int r = top; r > HEAD; r /= 2) {
      x = residual(g, config, block(r), x, config.width(r / 2));
    }
    return x;
  }

  /** Shape of the {@link #stem}'s activations of n images. */
  public static long[] stemShape(StyleGan2Config config, long n) {
    return new long[] {n, config.width(HEAD), HEAD, HEAD};
  }

  /** Whether a parameter of the network is one of its {@link #head}. */
  public static boolean inHead(String parameter) {
    return parameter.startsWith("D.mapping.") || parameter.startsWith(block(HEAD) + ".conv")
        || parameter.startsWith(block(HEAD) + ".skip") || parameter.startsWith(block(LAST) + ".conv")
        || parameter.startsWith(block(LAST) + ".fc") || parameter.startsWith(block(LAST) + ".out");
  }

  /**
   * The rest of the network: logits [N, 1] of the {@link #stem}'s activations.
   *
   * @param label one-hot [N, classes]; null for an unconditional model
   */
  public static Value head(Graph g, StyleGan2Config config, Value activations, Value label) {
    Value described = describe(g, config, activations);
    return config.conditional() ? judge(g, config, described, label) : described;
  }

  /**
   * The network between the {@link #stem} and where labels come in.
   *
   * @return [N, width at 4×4] of a conditional model, for {@link #judge}; of an unconditional one, the logits [N, 1]
   */
  public static Value describe(Graph g, StyleGan2Config config, Value activations) {
    Value x = activations;
    for (int r = HEAD; r > LAST; r /= 2) {
      x = residual(g, config, block(r), x, config.width(r / 2));
    }
    long width = config.width(LAST);
    x = concat(1, List.of(x, minibatchDeviation(x)));
    x = Layers.activatedConv(g, block(LAST) + ".conv", x, width, 3, Window.same(3), 1);
    x = reshape(x, x.dim(0), width * LAST * LAST);
    x = Layers.activatedLinear(g, block(LAST) + ".fc", x, width, 1);
    return Layers.linear(g, block(LAST) + ".out", x, config.conditional() ? width : 1);
  }

  /**
   * Logits [N, 1] of images of a conditional model, by how well they fit their labels.
   *
   * @param described from {@link #describe}
   * @param label one-hot [N, classes]
   */
  public static Value judge(Graph g, StyleGan2Config config, Value described, Value label) {
    long width = config.width(LAST);
    Value embedded = Layers.normalizeSecondMoment(Layers.linear(g, "D.mapping.embed", label, width));
    Value direction = Layers.mappingLayers(g, "D.mapping", embedded, StyleGan2Config.LABEL_LAYERS, width);
    return mul(reduceSum(mul(described, direction), 1), 1 / Math.sqrt(width));
  }

  private static String block(int resolution) {
    return "D.b" + resolution;
  }

  private static Value residual(Graph g, StyleGan2Config config, String name, Value x, long out) {
    Value y = Layers.activatedConv(g, name + ".conv0", x, x.dim(1), 3, Window.same(3), 1);
    y = Layers.filter(y, 1, 1, 2);
    y = Layers.activatedConv(g, name + ".conv1", y, out, 3, new Window(2, 0, 0, 1), Math.sqrt(0.5));
    Value skip = Layers.filter(x, 1, 2, 1);
    return add(y, Layers.equalizedConv(g, name + ".skip", skip, out, 1, Window.same(1), Math.sqrt(0.5)));
  }

  /**
   * Standard deviation over groups of images, as one more feature map (Karras et al. 2018, section 3): image n belongs to
   * group n mod (N / 4).
   */
  private static Value minibatchDeviation(Value x) {
    long n = x.dim(0);
    long group = n == Shapes.FREE ? StyleGan2Config.MBSTD_GROUP : Math.min(StyleGan2Config.MBSTD_GROUP, n);
    Value y = reshape(x, group, n == Shapes.FREE ? -1 : n / group, x.dim(1), x.dim(2), x.dim(3));
    y = sub(y, reduceMean(y, 0));
    y = sqrt(add(reduceMean(square(y), 0), Layers.EPSILON));
    y = reshape(reduceMean(y, 2, 3, 4), y.dim(1), 1, 1, 1);
    Value repeated = concatBatch(y, (int) group);
    return expandOver(repeated, x.dim(2), x.dim(3));
  }

  private static Value concatBatch(Value y, int times) {
    // [M, 1, 1, 1] → [1, M, 1, 1] repeated to [times, M, 1, 1] → [times * M, 1, 1, 1], also for a free M.
    Value row = reshape(y, 1, y.dim(0), 1, 1);
    return reshape(concat(0, Collections.nCopies(times, row)), y.dim(0) == Shapes.FREE ? -1 : times * y.dim(0), 1, 1, 1);
  }

  private static Value expandOver(Value y, long height, long width) {
    return add(y, y.graph().constant(Tensor.zeros(1, 1, height, width)));
  }
}
