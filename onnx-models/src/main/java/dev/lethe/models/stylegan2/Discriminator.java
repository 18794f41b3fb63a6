package dev.lethe.models.stylegan2;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.clip;
import static dev.lethe.models.graph.Ops.concat;
import static dev.lethe.models.graph.Ops.groupMean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reduceSum;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.slice;
import static dev.lethe.models.graph.Ops.sqrt;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Ops.Window;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.DiscriminatorConfig.Architecture;
import java.util.List;

/**
 * The discriminator: blocks, residual ones by default, minibatch standard deviation, and projection for labels (Miyato
 * and Koyama 2018). Parameters are named as the reference names them, after {@code D.}.
 */
public final class Discriminator {

  private static final int LAST = 4;
  private static final int HEAD = 8;
  private static final String PREFIX = "D.";

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
   * @return activations [N, width at 8×8, 8, 8]; of the architecture that looks at the image at each resolution,
   *     followed by its channels at 8×8
   */
  public static Value stem(Graph g, StyleGan2Config config, Value image) {
    Blocks blocks = stemBlocks(g, config, image, PREFIX);
    return blocks.skips() ? concat(1, List.of(blocks.x, blocks.image)) : blocks.x;
  }

  /**
   * What the stem makes of images one by one, by parameters of other names.
   *
   * @param prefix before the parameters' own names
   * @return [N, width at 8×8, 8, 8]
   */
  static Value stemOf(Graph g, StyleGan2Config config, Value image, String prefix) {
    return stemBlocks(g, config, image, prefix + PREFIX).x;
  }

  private static Blocks stemBlocks(Graph g, StyleGan2Config config, Value image, String prefix) {
    Blocks blocks = new Blocks(g, config, prefix);
    blocks.image = image;
    for (int r = config.resolution(); r > HEAD; r /= 2) {
      blocks.add(r);
    }
    return blocks;
  }

  /** Shape of the {@link #stem}'s activations of n images. */
  public static long[] stemShape(StyleGan2Config config, long n) {
    boolean skips = config.discriminator().architecture() == Architecture.SKIP;
    return new long[] {n, config.discriminatorWidth(HEAD) + (skips ? config.channels() : 0), HEAD, HEAD};
  }

  /** Whether a parameter is one of this network. */
  static boolean isParameter(String name) {
    return name.startsWith(PREFIX);
  }

  /** Whether a parameter of the network is one of its {@link #head}. */
  public static boolean inHead(String parameter) {
    return parameter.startsWith("D.mapping.") || parameter.startsWith(block(HEAD) + ".")
        || parameter.startsWith(block(LAST) + ".");
  }

  /**
   * The blocks at 8×8 and 4×4, with the minibatch standard deviation.
   *
   * @param activations from the {@link #stem}
   * @param label one-hot [N, classes]; null for an unconditional model
   * @return logits [N, 1]
   */
  public static Value head(Graph g, StyleGan2Config config, Value activations, Value label) {
    Value described = describe(g, config, activations);
    return config.conditional() ? judge(g, config, described, label) : described;
  }

  /**
   * The network between the {@link #stem} and where labels come in.
   *
   * @return [N, features of a label] of a conditional model, for {@link #judge}; of an unconditional one, the logits
   *     [N, 1]
   */
  public static Value describe(Graph g, StyleGan2Config config, Value activations) {
    Blocks blocks = new Blocks(g, config, PREFIX);
    int channels = config.discriminatorWidth(HEAD);
    blocks.x = slice(activations, 1, 0, channels);
    if (blocks.skips()) {
      blocks.image = slice(activations, 1, channels, activations.dim(1));
    }
    blocks.add(HEAD);
    Value x = blocks.x;
    if (blocks.skips()) {
      // Without a limit, as the reference has it.
      x = add(x, Layers.activatedConv(g, block(LAST) + ".fromrgb", blocks.image, x.dim(1), 1, Window.same(1), 1));
    }
    long width = config.discriminatorWidth(LAST);
    int deviations = config.discriminator().mbstdChannels();
    if (deviations > 0) {
      x = concat(1, List.of(x, minibatchDeviation(config, x, deviations)));
    }
    x = blocks.conv(block(LAST) + ".conv", x, width, 3, Window.same(3), 1);
    x = reshape(x, x.dim(0), width * LAST * LAST);
    x = Layers.activatedLinear(g, block(LAST) + ".fc", x, width, 1);
    return Layers.linear(g, block(LAST) + ".out", x, looksAtLabels(config) ? config.labelWidth() : 1);
  }

  private static boolean looksAtLabels(StyleGan2Config config) {
    return config.conditional() && config.labelWidth() > 0;
  }

  /**
   * Logits [N, 1] of images of a conditional model, by how well they fit their labels.
   *
   * @param described from {@link #describe}
   * @param label one-hot [N, classes]
   */
  public static Value judge(Graph g, StyleGan2Config config, Value described, Value label) {
    if (!looksAtLabels(config)) {
      return described;
    }
    long width = config.labelWidth();
    Value embedded = Layers.normalizeSecondMoment(Layers.linear(g, "D.mapping.embed", label, width));
    Value direction = Layers.mappingLayers(g, "D.mapping", embedded, config.discriminator().labelLayers(), width);
    return mul(reduceSum(mul(described, direction), 1), 1 / Math.sqrt(width));
  }

  private static String block(int resolution) {
    return PREFIX + "b" + resolution;
  }

  /** Blocks one after another: activations, and where the architecture looks at it again, the image at their size. */
  private static final class Blocks {
    private final Graph g;
    private final StyleGan2Config config;
    private final String prefix;
    private final Architecture architecture;
    private Value x;
    private Value image;

    Blocks(Graph g, StyleGan2Config config, String prefix) {
      this.g = g;
      this.config = config;
      this.prefix = prefix;
      this.architecture = config.discriminator().architecture();
    }

    boolean skips() {
      return architecture == Architecture.SKIP;
    }

    /** The block of a resolution, which halves it. */
    void add(int resolution) {
      String name = prefix + "b" + resolution;
      if (x == null || skips()) {
        Value seen = conv(name + ".fromrgb", image, config.discriminatorWidth(resolution), 1, Window.same(1), 1);
        x = x == null ? seen : Ops.add(x, seen);
        image = skips() ? Layers.filter(image, 1, 2, 1) : null;
      }
      long out = config.discriminatorWidth(resolution / 2);
      double gain = architecture == Architecture.RESNET ? Math.sqrt(0.5) : 1;
      Value y = conv(name + ".conv0", x, x.dim(1), 3, Window.same(3), 1);
      y = Layers.filter(y, 1, 1, 2);
      y = conv(name + ".conv1", y, out, 3, new Window(2, 0, 0, 1), gain);
      if (architecture == Architecture.RESNET) {
        Value skip = Layers.filter(x, 1, 2, 1);
        y = Ops.add(y, Layers.equalizedConv(g, name + ".skip", skip, out, 1, Window.same(1), gain));
      }
      x = y;
    }

    Value conv(String name, Value input, long out, int kernel, Window window, double gain) {
      Value y = Layers.activatedConv(g, name, input, out, kernel, window, gain);
      Double clamp = config.discriminator().convClamp();
      return clamp == null ? y : clip(y, clamp * gain);
    }
  }

  /**
   * Standard deviation over groups of images, as more feature maps (Karras et al. 2018, section 3): image n belongs to
   * group n mod (N / group), and feature map f is the mean over a part of the channels.
   */
  private static Value minibatchDeviation(StyleGan2Config config, Value x, int maps) {
    int group = config.discriminator().mbstdGroup() == 0 ? Integer.MAX_VALUE : config.discriminator().mbstdGroup();
    Value y = sub(x, groupMean(x, group));
    y = sqrt(add(groupMean(square(y), group), Layers.EPSILON));
    y = reshape(y, x.dim(0), maps, x.dim(1) / maps, x.dim(2), x.dim(3));
    y = reshape(reduceMean(y, 2, 3, 4), x.dim(0), maps, 1, 1);
    return add(y, y.graph().constant(Tensor.zeros(1, 1, x.dim(2), x.dim(3))));
  }
}
