package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;

/**
 * Images, and what the discriminator is to say of them.
 *
 * @param wanted of each image, [N, 1]
 */
record Lesson(Activations images, Tensor wanted) {

  /** To go on saying what the original does. */
  static Lesson keep(Activations images) {
    return new Lesson(images, images.judgements());
  }

  int size() {
    return images.size();
  }
}
