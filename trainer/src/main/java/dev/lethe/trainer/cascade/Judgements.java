package dev.lethe.trainer.cascade;

/**
 * What the original discriminator says of some images.
 *
 * @param labels class of each image; 0 for an unconditional model
 * @param logits its answer to each
 */
public record Judgements(int[] labels, float[] logits) {}
