package dev.lethe.models.stylegan2;

import dev.lethe.models.bundle.ModelCard;
import java.util.List;
import java.util.Locale;

/**
 * What a discriminator is made of beyond the sizes that it shares with its generator, by the reference's names.
 *
 * @param architecture how its blocks are joined
 * @param widths feature maps at 4×4, 8×8, ..., the resolution; null: the generator's
 * @param convClamp limit of what convolutions put out; null: none
 * @param mbstdGroup images in a group of the minibatch standard deviation; 0: the whole batch
 * @param mbstdChannels feature maps of it; 0: there is none
 * @param labelLayers fully connected layers between the embedding of a label and its use, 0 or more
 * @param labelWidth features of a mapped label; null: as many as feature maps at 4×4; 0: labels are not looked at
 */
public record DiscriminatorConfig(Architecture architecture, List<Integer> widths, Double convClamp, int mbstdGroup,
    int mbstdChannels, int labelLayers, Integer labelWidth) {

  /** The reference's default, of models of 256×256 and more. */
  public static final DiscriminatorConfig DEFAULT = new DiscriminatorConfig(Architecture.RESNET, null, null,
      StyleGan2Config.MBSTD_GROUP, 1, 8, null);

  /** How blocks are joined (Karras et al. 2020, figure 7). */
  public enum Architecture {
    /** One after another. */
    ORIG,
    /** One after another; each also sees the image at its resolution. */
    SKIP,
    /** A block's input is added to its output. */
    RESNET;

    /** @throws IllegalArgumentException if there is no such architecture, naming those that there are */
    public static Architecture of(String name) {
      for (Architecture architecture : values()) {
        if (architecture.toString().equals(name)) {
          return architecture;
        }
      }
      throw new IllegalArgumentException("the discriminator's architecture is \"" + name
          + "\"; it must be orig, skip or resnet");
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public DiscriminatorConfig {
    widths = widths == null ? null : List.copyOf(widths);
    StyleGan2Config.requireClamp("the discriminator's conv_clamp", convClamp);
    if (mbstdGroup < 0 || mbstdChannels < 0 || labelLayers < 0 || labelWidth != null && labelWidth < 0) {
      throw new IllegalArgumentException("sizes must not be negative: mbstd_group " + mbstdGroup + ", mbstd_channels "
          + mbstdChannels + ", label_layers " + labelLayers + ", label_width " + labelWidth);
    }
  }

  static DiscriminatorConfig of(ModelCard.Discriminator card) {
    return card == null ? null : new DiscriminatorConfig(Architecture.of(card.architecture()), card.widths(),
        card.convClamp(), card.mbstdGroup(), card.mbstdChannels(), card.labelLayers(), card.labelWidth());
  }

  ModelCard.Discriminator card() {
    return new ModelCard.Discriminator(architecture.toString(), widths, convClamp, mbstdGroup, mbstdChannels,
        labelLayers, labelWidth);
  }
}
