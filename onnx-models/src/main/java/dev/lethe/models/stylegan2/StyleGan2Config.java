package dev.lethe.models.stylegan2;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.DiscriminatorFeatures;
import dev.lethe.models.architecture.Networks;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A StyleGAN2 generator and its discriminator (Karras et al. 2020, configs E-F), which their sizes tell altogether, by
 * the reference's names.
 *
 * @param resolution height and width of an image, a power of two from 32 to 1024
 * @param channels 1 (grey) or 3 (RGB)
 * @param classes number of classes; 0 for an unconditional model
 * @param mappingLayers fully connected layers of the generator's mapping network
 * @param channelBase feature maps at resolution r are min(channelBase / r, channelMax), unless {@code widths} says
 *     others
 * @param widths feature maps at 4×4, 8×8, ..., the resolution; null: by channelBase and channelMax
 * @param convClamp limit of what the generator's convolutions put out; null: none
 * @param discriminator null if there is none
 */
public record StyleGan2Config(int resolution, int channels, int classes, int zDim, int wDim, int mappingLayers,
    int channelBase, int channelMax, List<Integer> widths, Double convClamp, DiscriminatorConfig discriminator)
    implements Networks {

  /** Group of the minibatch standard deviation, unless the configuration says another. */
  public static final int MBSTD_GROUP = 4;

  public StyleGan2Config {
    if (resolution < 32 || resolution > 1024 || Integer.bitCount(resolution) != 1) {
      throw new IllegalArgumentException("resolution is " + resolution + "; it must be a power of two from 32 to 1024");
    }
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels is " + channels + "; it must be 1 or 3");
    }
    if (classes < 0 || zDim < 1 || wDim < 1 || mappingLayers < 1 || channelMax < 1) {
      throw new IllegalArgumentException("sizes must be positive: " + classes + " classes, z_dim " + zDim + ", w_dim "
          + wDim + ", " + mappingLayers + " mapping layers, channel_max " + channelMax);
    }
    if (channelBase < resolution) {
      throw new IllegalArgumentException("channel_base is " + channelBase + "; it must be at least the resolution, "
          + resolution);
    }
    requireClamp("conv_clamp", convClamp);
    widths = requireWidths(widths, resolution);
    if (discriminator != null) {
      requireWidths(discriminator.widths(), resolution);
    }
  }

  /** The reference's defaults in all else. */
  public StyleGan2Config(int resolution, int channels, int classes, int zDim, int wDim, int mappingLayers,
      int channelBase, int channelMax) {
    this(resolution, channels, classes, zDim, wDim, mappingLayers, channelBase, channelMax, null, null,
        DiscriminatorConfig.DEFAULT);
  }

  private static List<Integer> requireWidths(List<Integer> widths, int resolution) {
    if (widths == null) {
      return null;
    }
    if (widths.size() != index(resolution) + 1 || widths.stream().anyMatch(width -> width == null || width < 1)) {
      throw new IllegalArgumentException("widths are " + widths + "; there must be " + (index(resolution) + 1)
          + " above 0, for 4×4 to " + resolution + "×" + resolution);
    }
    return List.copyOf(widths);
  }

  static void requireClamp(String name, Double clamp) {
    if (clamp != null && !(clamp > 0 && clamp <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(name + " is " + clamp + "; it must be above 0, and finite");
    }
  }

  public static StyleGan2Config of(ModelCard card) {
    ModelCard.Network n = card.network();
    return new StyleGan2Config(n.resolution(), n.channels(), card.labels().size(), n.zDim(), n.wDim(),
        n.mappingLayers(), n.channelBase(), n.channelMax(), n.widths(), n.convClamp(),
        DiscriminatorConfig.of(n.discriminator()));
  }

  public ModelCard.Network network() {
    return new ModelCard.Network(resolution, channels, zDim, wDim, numWs(), mappingLayers, channelBase, channelMax,
        widths, convClamp, discriminator == null ? null : discriminator.card());
  }

  @Override
  public int numWs() {
    return 2 * Integer.numberOfTrailingZeros(resolution) - 2;
  }

  @Override
  public boolean hasDiscriminator() {
    return discriminator != null;
  }

  @Override
  public Value mapping(Graph g, Value z, Value label) {
    return GeneratorNetwork.mapping(g, this, z, label);
  }

  @Override
  public Value synthesis(Graph g, Value ws) {
    return GeneratorNetwork.synthesis(g, this, ws, Noise.constant());
  }

  @Override
  public Optional<ModelProto> synthesisForThisProcessor(Map<String, Tensor> weights) {
    return StyleGan2Bundle.synthesisForThisProcessor(this, weights);
  }

  @Override
  public Value stem(Graph g, Value image) {
    return Discriminator.stem(g, this, image);
  }

  @Override
  public long[] stemShape(long n) {
    return Discriminator.stemShape(this, n);
  }

  @Override
  public Value head(Graph g, Value activations, Value label) {
    return Discriminator.head(g, this, activations, label);
  }

  @Override
  public int discriminatorGroup() {
    return discriminator.mbstdChannels() == 0 ? 1 : discriminator.mbstdGroup();
  }

  @Override
  public DiscriminatorFeatures discriminatorFeatures() {
    return new StemFeatures(this);
  }

  @Override
  public Map<String, long[]> parameters() {
    return Weights.shapes(this);
  }

  @Override
  public boolean isSynthesisUpTo(String parameter, int atMost) {
    return GeneratorNetwork.isSynthesisUpTo(parameter, atMost) && GeneratorNetwork.isTrainable(parameter);
  }

  @Override
  public boolean isDiscriminator(String parameter) {
    return Discriminator.isParameter(parameter);
  }

  @Override
  public boolean isDiscriminatorHead(String parameter) {
    return Discriminator.inHead(parameter);
  }

  @Override
  public String labelEmbedding() {
    return GeneratorNetwork.LABEL_EMBEDDING;
  }

  /** Feature maps of the generator at a resolution. */
  public int width(int atResolution) {
    return widths == null ? Math.min(channelBase / atResolution, channelMax) : widths.get(index(atResolution));
  }

  @Override
  public long activationValues() {
    long values = 0;
    for (int r = 4; r <= resolution; r *= 2) {
      values += (r == 4 ? 1L : 2L) * width(r) * r * r;
    }
    return values;
  }

  /** Feature maps of the discriminator at a resolution. */
  int discriminatorWidth(int atResolution) {
    List<Integer> own = discriminator.widths();
    return own == null ? width(atResolution) : own.get(index(atResolution));
  }

  /** Features of a label as the discriminator compares images with it; 0 if it does not. */
  int labelWidth() {
    return discriminator.labelWidth() == null ? discriminatorWidth(4) : discriminator.labelWidth();
  }

  private static int index(int resolution) {
    return Integer.numberOfTrailingZeros(resolution) - 2;
  }
}
