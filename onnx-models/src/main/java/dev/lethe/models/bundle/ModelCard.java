package dev.lethe.models.bundle;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
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

  public static final int FORMAT_VERSION = 1;
  public static final String STYLEGAN2 = "stylegan2";

  /** True when images are generated for a class. */
  public boolean conditional() {
    return !labels.isEmpty();
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
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  public record Network(int resolution, int channels, int zDim, int wDim, int numWs, int mappingLayers,
      int channelBase, int channelMax) {}

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
