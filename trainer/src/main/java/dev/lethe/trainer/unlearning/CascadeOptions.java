package dev.lethe.trainer.unlearning;

/**
 * How to unlearn.
 *
 * @param iterations of the cascade, each an unlearning step and a learning step
 * @param batch images a step of each phase, a multiple of 4
 * @param learningRate Adam's to begin with, of the discriminator; falls to 0 along a half cosine; β1 = 0.9, β2 = 0.99
 * @param generatorRate the generator's learning rate as a part of that
 * @param lambda1 weight of the pixel loss of the generator
 * @param lambda2 weight of its perceptual loss
 * @param fakeLabel F, what the discriminator learns to say of unlearned images
 * @param seed of every random draw
 */
public record CascadeOptions(int iterations, int batch, double learningRate, double generatorRate, double lambda1, double lambda2,
    double fakeLabel, long seed) {}
