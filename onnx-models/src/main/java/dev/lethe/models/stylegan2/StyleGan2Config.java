package dev.lethe.models.stylegan2;

import dev.lethe.models.bundle.ModelCard;

/**
 * Sizes of a StyleGAN2 generator and its discriminator (Karras et al. 2020, configs E-F), by the reference's names.
 *
 * @param resolution height and width of an image, a power of two from 32 to 1024
 * @param channels 1 (grey) or 3 (RGB)
 * @param classes number of classes; 0 for an unconditional model
 * @param mappingLayers fully connected layers of the generator's mapping network
 * @param channelBase feature maps at resolution r are min(channelBase / r, channelMax)
 */
public record StyleGan2Config(int resolution, int channels, int classes, int zDim, int wDim, int mappingLayers,
    int channelBase, int channelMax) {

  /** Group of the minibatch standard deviation. */
  public static final int MBSTD_GROUP = 4;
  /** Layers of the discriminator's label embedding. */
  static final int LABEL_LAYERS = 8;

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
  }

  public static StyleGan2Config of(ModelCard card) {
    ModelCard.Network n = card.network();
    return new StyleGan2Config(n.resolution(), n.channels(), card.labels().size(), n.zDim(), n.wDim(),
        n.mappingLayers(), n.channelBase(), n.channelMax());
  }

  public ModelCard.Network network() {
    return new ModelCard.Network(resolution, channels, zDim, wDim, numWs(), mappingLayers, channelBase, channelMax);
  }

  public boolean conditional() {
    return classes > 0;
  }

  /** Number of w vectors that synthesis takes. */
  public int numWs() {
    return 2 * Integer.numberOfTrailingZeros(resolution) - 2;
  }

  /** Feature maps at a resolution. */
  public int width(int atResolution) {
    return Math.min(channelBase / atResolution, channelMax);
  }
}
