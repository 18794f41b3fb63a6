package dev.lethe.trainer.unlearning;

import java.util.OptionalDouble;

/**
 * What was measured of one model.
 *
 * @param aucLu probability that the discriminator scores a learning image above an unlearned one; this and the two
 *     below are empty of a model without a discriminator
 * @param aucUt probability that it scores an unlearned image above one that it never saw
 * @param aucLt probability that it scores a learning image above one that it never saw
 * @param fidL Fréchet distance of samples and learning images
 * @param fidU Fréchet distance of samples and unlearned images; empty of a single image, which has no covariance
 * @param accuracy on real images, of a classifier trained on generated ones; conditional models only
 * @param erasedRecognised share of the images made for the erased labels that show an erased class; of an unconditional
 *     model, share of all images that show the unlearned one
 * @param keptRecognised share of the images made for the other labels that show these
 */
public record Measured(OptionalDouble aucLu, OptionalDouble aucUt, OptionalDouble aucLt, double fidL,
    OptionalDouble fidU,
    OptionalDouble accuracy, OptionalDouble erasedRecognised,
    OptionalDouble keptRecognised) {}
