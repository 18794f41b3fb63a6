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

  public static final InversionOptions DEFAULT = new InversionOptions(64, 32, 0.08, 0.1);

  public InversionOptions {
    require(starts >= 1, "starts", starts, "1 or above");
    require(steps >= 0, "steps", steps, "0 or above");
    require(learningRate > 0 && Double.isFinite(learningRate), "learning rate", learningRate, "above 0");
    require(perceptualWeight >= 0 && Double.isFinite(perceptualWeight), "perceptual weight", perceptualWeight,
        "0 or above");
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("inversion's " + name + " is " + value + "; it must be " + allowed);
    }
  }
}
