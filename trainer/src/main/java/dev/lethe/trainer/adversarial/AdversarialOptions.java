package dev.lethe.trainer.adversarial;

/**
 * How to train a generator against a discriminator.
 *
 * @param batch real images a step, a multiple of the minibatch standard deviation's group (4)
 * @param kimg thousands of real images to show
 * @param learningRate Adam's, of both networks; β1 = 0, β2 = 0.99
 * @param decayKimg over the last so many thousand images the learning rate falls to 0 along a line
 * @param gamma weight of R1
 * @param r1Interval steps between two applications of R1 (lazy regularization, StyleGAN2 section 3.1)
 * @param mismatch conditional models: weight of the discriminator's loss on real images with wrong labels; 0 for none
 * @param emaKimg half-life of the moving average of the generator's weights, in thousands of images
 * @param mixing probability that an image mixes the styles of two latents; 0 to 1
 * @param seed of every random draw
 */
public record AdversarialOptions(int batch, double kimg, double learningRate, double decayKimg, double gamma,
    int r1Interval, double mismatch, double emaKimg, double mixing, long seed) {

  public AdversarialOptions {
    require(batch >= 4 && batch % 4 == 0, "batch", batch, "a multiple of 4");
    require(kimg > 0, "kimg", kimg, "above 0");
    require(learningRate > 0 && learningRate <= 0.1, "learning rate", learningRate, "above 0, up to 0.1");
    require(decayKimg >= 0, "decay kimg", decayKimg, "0 or above");
    require(gamma >= 0, "gamma", gamma, "0 or above");
    require(r1Interval >= 1, "r1 interval", r1Interval, "1 or above");
    require(mismatch >= 0, "mismatch", mismatch, "0 or above");
    require(emaKimg > 0, "ema kimg", emaKimg, "above 0");
    require(mixing >= 0 && mixing <= 1, "mixing", mixing, "from 0 to 1");
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be " + allowed);
    }
  }

  public long steps() {
    return Math.max(1, Math.round(kimg * 1000 / batch));
  }

  /** Learning rate of a step, from 1. */
  double learningRate(long step) {
    double left = (steps() - step + 1) * batch / 1000.0;
    return left < decayKimg ? learningRate * left / decayKimg : learningRate;
  }
}
