package dev.lethe.trainer.inversion;

/**
 * How hard to look for latents.
 *
 * @param starts random latents a class to choose each image's starting points from
 * @param restarts latents looked for of each image, from as many starting points
 * @param steps gradient steps from there
 * @param learningRate Adam's, of w; falls to 0 along a half cosine
 * @param perceptualWeight weight of the perceptual term beside the mean squared pixel error; with 0 no feature network
 *     is needed
 */
public record InversionOptions(LatentSpace space, int starts, int restarts, int steps,
    double learningRate, double perceptualWeight) {

  public static final InversionOptions DEFAULT = new InversionOptions(LatentSpace.W, 64, 1, 32, 0.08, 0.1);

  public InversionOptions {
    require(starts >= 1, "starts", starts, "1 or above");
    require(restarts >= 1 && restarts <= starts, "restarts", restarts, "from 1 to the starts, " + starts);
    require(steps >= 0, "steps", steps, "0 or above");
    require(learningRate > 0 && Double.isFinite(learningRate), "learning rate", learningRate, "above 0");
    require(perceptualWeight >= 0 && Double.isFinite(perceptualWeight), "perceptual weight", perceptualWeight,
        "0 or above");
  }

  /** The same with another number of latents of each image. */
  public InversionOptions withRestarts(int number) {
    return new InversionOptions(space, Math.max(starts, number), number, steps, learningRate, perceptualWeight);
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("inversion's " + name + " is " + value + "; it must be " + allowed);
    }
  }
}
