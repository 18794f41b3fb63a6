package dev.lethe.trainer.audit;

import dev.lethe.models.graph.Tensor;
import dev.lethe.trainer.metrics.PixelDistance;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What an audit of single images found. Shares are of images whose picture is nearer to the substitute than to the
 * image; ways are parts of the way from image to substitute, 0 where nothing moved.
 *
 * @param own share at the latents that the job went by
 * @param fresh share at latents that the audit found in the original
 * @param candidate share at latents that the audit found in the candidate
 * @param apart share drawn at latents found in the original that is as far from the image as its nearest other real
 *     image, or farther: forgotten by a measure that knows of no substitute
 * @param ownWay mean way at the job's latents
 * @param freshWay at latents found in the original
 * @param candidateWay at latents found in the candidate
 * @param members what became of images that stay
 * @param unseen what became of images that the model never saw
 * @param membership by reconstruction error in W, unlearned images against those never seen
 * @param calibrated AUC of the same attack by one who has both models, by how much the error rose: whoever kept the
 *     original can always tell where the candidate differs from it
 * @param bySamples membership by the nearest of many samples, where that was asked for
 * @param wPlus membership by reconstruction error in W+, where that was asked for
 * @param relearned what fine-tuning brings back, where that was asked for and there are images that stay
 * @param errorsBefore mean squared error of each unlearned image at the best latent found in the original
 * @param errorsAfter in the candidate
 * @param neverSeenError mean of the same over images never seen, in the candidate
 * @param freshNearer of each image, whether it counts in {@code fresh}
 * @param freshWays way of each image at latents found in the original
 * @param substituteDistance least distance of a substitute from its image, as a multiple of that to the image's nearest
 *     other real image
 */
public record ItemFindings(BeforeAfter<Estimate> own, BeforeAfter<Estimate> fresh, BeforeAfter<Estimate> candidate,
    BeforeAfter<Estimate> apart, Estimate ownWay, Estimate freshWay, Estimate candidateWay,
    Optional<Collateral> members, Optional<Collateral> unseen, Optional<BeforeAfter<Membership>> membership,
    Optional<Estimate> calibrated, Optional<BySamples> bySamples, Optional<WPlus> wPlus, Optional<Relearned> relearned,
    double[] errorsBefore, double[] errorsAfter, Optional<Double> neverSeenError, boolean[] freshNearer,
    double[] freshWays, double substituteDistance, Pictures pictures, double seconds) {

  /**
   * What became of images that were to stay, at latents found for them in the original.
   *
   * @param way mean way towards substitutes that they would have had
   * @param moved mean change of what is drawn, in whatever direction, as a part of the distance to the substitute
   * @param nearer share drawn nearer to that substitute
   */
  public record Collateral(Estimate way, Estimate moved, Estimate nearer) {}

  /**
   * Membership by the nearest of many samples.
   *
   * @param distance by the error of the nearest
   * @param calibrated by that error as a part of the reference's, where there is one: a hard image is far from all
   *     samples even if it was memorised (difficulty calibration: Watson et al. 2022, arXiv 2111.08440)
   */
  public record BySamples(BeforeAfter<Membership> distance, Optional<BeforeAfter<Membership>> calibrated) {}

  /**
   * In W+.
   *
   * @param fresh share at latents found in the original
   * @param candidate share at latents found in the candidate
   */
  public record WPlus(BeforeAfter<Estimate> fresh, BeforeAfter<Estimate> candidate,
      BeforeAfter<Membership> membership) {}

  /**
   * What a sceptic wants to see of each image, [N, C, H, W] each.
   *
   * @param images the images
   * @param original what the original draws at the latents that the audit found in it
   * @param candidate what the candidate draws there
   * @param again the nearest that the audit found in the candidate
   * @param substitutes what should be drawn
   */
  public record Pictures(Tensor images, Tensor original, Tensor candidate, Tensor again, Tensor substitutes) {}

  /**
   * How many of the images the original drew at all: at the best latents that the audit found in it, with at most half
   * the error of their substitutes, and of a picture that is the image's mean colour all over. In the others there was
   * little to redact: a generator of random weights draws no photo, and "forgets" each.
   */
  public int drawnBefore() {
    int n = errorsBefore.length;
    float[] images = pictures.images().data();
    float[] substitutes = pictures.substitutes().data();
    int size = images.length / n;
    int plane = size / (int) pictures.images().shape()[1];
    return (int) IntStream.range(0, n).filter(i -> errorsBefore[i] * size
        <= Math.min(PixelDistance.squared(images, i * size, substitutes, i * size, size),
            fromMeanColour(images, i * size, size, plane)) / 2).count();
  }

  /** Squared error of the mean of each channel in place of an image. */
  private static double fromMeanColour(float[] images, int from, int size, int plane) {
    double sum = 0;
    for (int channel = from; channel < from + size; channel += plane) {
      double mean = IntStream.range(channel, channel + plane).mapToDouble(k -> images[k]).average().orElseThrow();
      sum += IntStream.range(channel, channel + plane).mapToDouble(k -> Math.pow(images[k] - mean, 2)).sum();
    }
    return sum;
  }

  /** Index of the image that has gone the least of its way. */
  public int worst() {
    return IntStream.range(0, freshWays.length)
        .reduce((a, b) -> freshWays[b] < freshWays[a] ? b : a).orElseThrow();
  }
}
