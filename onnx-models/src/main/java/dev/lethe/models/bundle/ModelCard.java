package dev.lethe.models.bundle;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Map;

/**
 * The contents of {@code model.json}: what a version is, where it came from and how good it was measured to be.
 *
 * @param formatVersion version of this layout, {@link #FORMAT_VERSION}
 * @param name the model that this is a version of
 * @param version unique among the versions of the model
 * @param parentVersion the version that this was unlearned from; null when trained from scratch
 * @param architecture {@value #STYLEGAN2}
 * @param network sizes of the networks
 * @param labels class names by class index; empty for an unconditional model
 * @param unlearnedLabels those of {@code labels} that were unlearned, each with the version that unlearned it
 * @param w statistics of the intermediate latents
 * @param training how the weights were trained; null when they were not
 * @param quality what was measured; null when nothing was
 * @param sha256 lower-case hexadecimal SHA-256 by file name, of every other file of the bundle
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ModelCard(
    int formatVersion,
    String name,
    String version,
    String parentVersion,
    String architecture,
    Network network,
    List<String> labels,
    Map<String, String> unlearnedLabels,
    WStatistics w,
    Training training,
    Quality quality,
    Map<String, String> sha256) {

  private static final ObjectMapper JSON = new ObjectMapper()
      .enable(SerializationFeature.INDENT_OUTPUT)
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  /** What is written. */
  public static final int FORMAT_VERSION = 2;
  /** Without {@code conv_clamp}, {@code widths} and {@code discriminator}: they were the reference's defaults. */
  private static final int WITHOUT_DETAILS = 1;
  public static final String STYLEGAN2 = "stylegan2";

  /** True when images are generated for a class. */
  public boolean conditional() {
    return !labels.isEmpty();
  }

  /** True if a version of this layout is read, this one or an older one. */
  static boolean isReadable(int version) {
    return version == FORMAT_VERSION || version == WITHOUT_DETAILS;
  }

  /** The same card in the layout of today. */
  ModelCard upgraded() {
    if (formatVersion != WITHOUT_DETAILS) {
      return this;
    }
    Network n = network;
    return new ModelCard(FORMAT_VERSION, name, version, parentVersion, architecture, n == null ? null
        : new Network(n.resolution, n.channels, n.zDim, n.wDim, n.numWs, n.mappingLayers, n.channelBase, n.channelMax),
        labels, unlearnedLabels, w, training, quality, sha256);
  }

  /**
   * Reads a card in JSON, of this layout or an older one.
   *
   * @throws JsonProcessingException if it is none
   * @throws IllegalArgumentException if its layout is not read
   */
  public static ModelCard fromJson(String json) throws JsonProcessingException {
    ModelCard card = JSON.readValue(json, ModelCard.class);
    if (card == null || !isReadable(card.formatVersion) || card.network == null || card.labels == null) {
      throw new IllegalArgumentException(card == null ? "it is null" : !isReadable(card.formatVersion)
          ? "its format is " + card.formatVersion + "; formats up to " + FORMAT_VERSION + " are read"
          : "it lacks network or labels");
    }
    return card.upgraded();
  }

  /** The card in JSON. */
  public String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a card is made of what JSON has", e);
    }
  }

  /** True when a file belongs to the bundle: of a model that came without a discriminator there is none. */
  public boolean has(String file) {
    return sha256.containsKey(file);
  }

  /** True of a version that unlearning made. */
  public boolean unlearned() {
    return parentVersion != null;
  }

  public ModelCard withSha256(Map<String, String> hashes) {
    return new ModelCard(formatVersion, name, version, parentVersion, architecture, network, labels,
        unlearnedLabels, w, training, quality, hashes);
  }

  public ModelCard withQuality(Quality measured) {
    return new ModelCard(formatVersion, name, version, parentVersion, architecture, network, labels,
        unlearnedLabels, w, training, measured, sha256);
  }

  /**
   * Sizes of the networks, by the reference's names.
   *
   * @param resolution height and width of an image in pixels, a power of two from 32 to 1024
   * @param channels 1 (grey) or 3 (RGB)
   * @param numWs number of w vectors that synthesis takes
   * @param channelBase channels at resolution r are min(channelBase / r, channelMax)
   * @param widths channels at 4×4, 8×8, ..., where they are others; else null
   * @param convClamp limit of what the generator's convolutions put out; null: none
   * @param discriminator null if there is none
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Network(int resolution, int channels, int zDim, int wDim, int numWs, int mappingLayers,
      int channelBase, int channelMax, List<Integer> widths, Double convClamp, Discriminator discriminator) {

    /** The reference's defaults in all else. */
    public Network(int resolution, int channels, int zDim, int wDim, int numWs, int mappingLayers, int channelBase,
        int channelMax) {
      this(resolution, channels, zDim, wDim, numWs, mappingLayers, channelBase, channelMax, null, null,
          Discriminator.DEFAULT);
    }
  }

  /**
   * What a discriminator is made of beyond the sizes that it shares with the generator, by the reference's names.
   *
   * @param architecture {@code orig}, {@code skip} or {@code resnet}
   * @param widths channels at 4×4, 8×8, ..., where they are not the generator's; else null
   * @param convClamp limit of what its convolutions put out; null: none
   * @param mbstdGroup images in a group of the minibatch standard deviation; 0: the whole batch
   * @param mbstdChannels feature maps of it; 0: there is none
   * @param labelLayers fully connected layers after the embedding of a label
   * @param labelWidth features of a mapped label; null: the channels at 4×4; 0: labels are not looked at
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Discriminator(String architecture, List<Integer> widths, Double convClamp, int mbstdGroup,
      int mbstdChannels, int labelLayers, Integer labelWidth) {

    static final Discriminator DEFAULT = new Discriminator("resnet", null, null, 4, 1, 8, null);
  }

  /**
   * Means of w over z.
   *
   * @param avg [w_dim], over all classes
   * @param classAvg [classes][w_dim]; empty for an unconditional model
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record WStatistics(float[] avg, float[][] classAvg) {}

  /**
   * Record of adversarial training.
   *
   * @param data what it was trained on
   * @param kimg thousands of real images shown to the discriminator
   * @param machine processor or accelerator, and cores
   * @param date ISO 8601 date of its end
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Training(String data, int images, long seed, int batch, double kimg, double wallSeconds,
      double imagesPerSecond, String machine, String date) {}

  /**
   * Measured quality.
   *
   * @param samples generated images measured
   * @param labelAccuracy share of conditional samples that the classifier recognises as their label, psi 1
   * @param labelAccuracyByClass the same by label
   * @param fid Fréchet distance in features.onnx space between the samples and the test images
   * @param fidReal the same between as many real training images and the test images
   * @param featuresTestAccuracy accuracy of the classifier in features.onnx on the test images
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Quality(Integer samples, Double labelAccuracy, Map<String, Double> labelAccuracyByClass, Double fid,
      Double fidReal, Double featuresTestAccuracy) {}
}
