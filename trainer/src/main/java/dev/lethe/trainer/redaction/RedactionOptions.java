package dev.lethe.trainer.redaction;

/**
 * How the generator is moved. The learning rate is Adam's to begin with, and falls along a half cosine to a tenth:
 * while it is high the images move, and while it falls what was moved along with them comes back.
 *
 * @param steps most steps; the run stops before where its target is reached or its guard says no
 * @param plannedSteps steps over which the learning rate falls
 * @param moving latents of a step that move: half of them those that were found, half such as follow their image
 * @param anchors latents of a step that draw real images which stay
 * @param random latents of a step that the mapping network draws, which stay
 * @param learningRate Adam's, of the synthesis network
 * @param movingWeight weight of a latent that moves against one that stays
 * @param followingRate Adam's learning rate of latents that follow their image
 * @param layersUpTo largest resolution whose layers learn; those above stay as they are
 */
public record RedactionOptions(int steps, int plannedSteps, int moving, int anchors, int random,
    double learningRate, double movingWeight, double followingRate, int layersUpTo) {

  /** All layers learn, whatever the resolution of the model. */
  public static final int ALL_LAYERS = Integer.MAX_VALUE;

  /** For single images. Found by trial on MNIST; docs/results/mnist.md has what it gives. */
  public static final RedactionOptions ITEMS = new RedactionOptions(600, 220, 32, 64, 64, 0.014, 0.6, 0.05,
      ALL_LAYERS);
  /** For whole classes: much of what the generator draws has to move, and goes where other pictures are. */
  public static final RedactionOptions CLASSES = new RedactionOptions(600, 220, 48, 48, 96, 0.014, 0.6, 0.02,
      ALL_LAYERS);

  /** Images that {@link #steps} and {@link #plannedSteps} are enough for. */
  private static final int IMAGES = 64;

  /** Adam's β1 and β2 of the networks. */
  static final float BETA1 = 0.9f;
  static final float BETA2 = 0.99f;
  /** What is left of the learning rate in the end. */
  private static final double FLOOR = 0.1;
  /** Steps over which the learning rate rises at first, while Adam knows little. */
  private static final int WARM_UP = 10;

  public RedactionOptions {
    require(steps >= 1, "steps", steps, "1 or above");
    require(plannedSteps >= 1, "planned steps", plannedSteps, "1 or above");
    require(moving >= 1, "moving", moving, "1 or above");
    require(anchors >= 1, "anchors", anchors, "1 or above");
    require(random >= 1, "random", random, "1 or above");
    require(learningRate > 0 && Double.isFinite(learningRate), "learning rate", learningRate, "above 0");
    require(movingWeight > 0 && Double.isFinite(movingWeight), "moving weight", movingWeight, "above 0");
    require(layersUpTo >= 4, "layers up to", layersUpTo, "4 or above");
    require(followingRate >= 0 && Double.isFinite(followingRate), "following rate", followingRate, "0 or above");
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("redaction's " + name + " is " + value + "; it must be " + allowed);
    }
  }

  /**
   * The same for so many images: of more than {@value #IMAGES}, as many times more steps, so that each image has its
   * part in as many of them.
   */
  public RedactionOptions forImages(int images) {
    if (images <= IMAGES) {
      return this;
    }
    double more = (double) images / IMAGES;
    return new RedactionOptions((int) Math.ceil(steps * more), (int) Math.ceil(plannedSteps * more), moving, anchors,
        random, learningRate, movingWeight, followingRate, layersUpTo);
  }

  /**
   * The same for a model that has unlearned before: half as many latents more that stay, since what jobs move along
   * with their own adds up.
   */
  public RedactionOptions forLaterJob() {
    return new RedactionOptions(steps, plannedSteps, moving, anchors * 3 / 2, random * 3 / 2, learningRate,
        movingWeight, followingRate, layersUpTo);
  }

  /** Learning rate of a step, from 0. */
  double learningRate(int step) {
    double fall = (1 + Math.cos(Math.PI * Math.min(step, plannedSteps) / plannedSteps)) / 2;
    return learningRate * Math.min((step + 1.0) / WARM_UP, Math.max(FLOOR, fall));
  }
}
