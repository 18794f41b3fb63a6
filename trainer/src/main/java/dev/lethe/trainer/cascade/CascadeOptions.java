package dev.lethe.trainer.cascade;

/**
 * How to unlearn. Learning rates are Adam's to begin with, and fall to 0 along a half cosine; β1 = 0.9, β2 = 0.99.
 *
 * @param iterations of the cascade, each a step of the generator and some of the discriminator
 * @param batch images a step of each kind (unlearned, learned, generated), a multiple of 4
 * @param learningRate of the discriminator
 * @param generatorRate the generator's learning rate as a part of that
 * @param discriminatorSteps steps of the discriminator an iteration
 * @param lambda1 weight of the pixel loss of the generator
 * @param lambda2 weight of its perceptual loss. Of the sweep in docs/results/mnist.md the default is the largest that
 *     lets FID_l rise by less than 5 %: the larger, the further samples move from the unlearned images
 * @param seed of every random draw
 */
public record CascadeOptions(int iterations, int batch, double learningRate, double generatorRate,
    int discriminatorSteps, double lambda1, double lambda2, long seed) {

  /** For single images, what works for MNIST, and where to start from elsewhere. */
  public static final CascadeOptions ITEMS = new CascadeOptions(32, 32, 0.03, 0.12, 7, 1, 0.1, 0);
  /** For whole classes: easily told from others by the discriminator, but much of what the generator draws. */
  public static final CascadeOptions CLASSES = new CascadeOptions(48, 32, 0.03, 0.12, 1, 1, 0.1, 0);

  /** Adam's β1 and β2. */
  static final float BETA1 = 0.9f;
  static final float BETA2 = 0.99f;

  /** The part of a learning rate that is left in an iteration, from 0. */
  double decay(int iteration) {
    return (1 + Math.cos(Math.PI * iteration / iterations)) / 2;
  }
}
