package dev.lethe.trainer.cascade;

/**
 * How the paper's cascade runs. The learning rate is Adam's of both networks, with StyleGAN2's β1 = 0 and β2 = 0.99;
 * the paper leaves it and the number of iterations open.
 *
 * @param iterations each an unlearning phase and a learning phase, of one step each
 * @param batch images a step of each kind, a multiple of 4
 * @param lambda1 weight of the pixel loss of the generator
 * @param lambda2 weight of its perceptual loss
 * @param seed of every random draw
 */
public record CascadeOptions(int iterations, int batch, double learningRate, double lambda1, double lambda2,
    long seed) {

  public static final CascadeOptions DEFAULT = new CascadeOptions(100, 32, 0.002, 1, 0.1, 0);

  static final float BETA1 = 0;
  static final float BETA2 = 0.99f;
}
