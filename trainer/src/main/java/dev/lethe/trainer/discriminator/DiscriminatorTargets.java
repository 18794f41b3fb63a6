package dev.lethe.trainer.discriminator;

import dev.lethe.models.graph.Tensor;

/**
 * Images, and what the discriminator is to say of them.
 *
 * @param wanted of each image, [N, 1]
 */
record DiscriminatorTargets(Activations images, Tensor wanted) {

  /** To go on saying what the original does. */
  static DiscriminatorTargets keep(Activations images) {
    return new DiscriminatorTargets(images, images.judgements());
  }

  int size() {
    return images.size();
  }
}
