package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;

/**
 * What to unlearn, and what takes its place. The discriminator unlearns images, the generator what it makes of latents;
 * the two need not be as many.
 *
 * @param images x_u, [N, C, H, W]
 * @param labels class of each image; 0 for an unconditional model
 * @param fakeLabels F of each image, [N, 1]
 * @param latents w_u, [M, w_dim]
 * @param substitutes S(x_u), [M, C, H, W], what the generator shall make of the latents
 */
public record Targets(Tensor images, int[] labels, Tensor fakeLabels, Tensor latents, Tensor substitutes) {}
