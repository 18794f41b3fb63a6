package dev.lethe.trainer.inversion;

/**
 * How hard to look for latents.
 *
 * @param starts random latents a class to choose each image's starting point from
 * @param steps gradient steps from there
 * @param learningRate Adam's, of w; falls to 0 along a half cosine
 * @param perceptualWeight weight of the perceptual term beside the mean squared pixel error
 */
public record InversionOptions(int starts, int steps, double learningRate, double perceptualWeight) {

  public static final InversionOptions DEFAULT = new InversionOptions(256, 64, 0.08, 0.1);

  public InversionOptions {
    if (starts < 1 || steps < 0 || !(learningRate > 0) || perceptualWeight < 0) {
      throw new IllegalArgumentException("inversion needs at least 1 start, no fewer than 0 steps, a learning rate "
          + "above 0 and no negative weight");
    }
  }
}
