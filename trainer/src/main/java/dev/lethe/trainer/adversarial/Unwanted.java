package dev.lethe.trainer.adversarial;

import dev.lethe.trainer.data.ImageDataset;

/**
 * Images that the discriminator learns to take for generated ones, as many in each step as real ones, so that the
 * generator learns to draw them no more: negative data (Sinha et al. 2021, arXiv 2102.05113) that is real.
 *
 * @param images of the networks' size and classes, one or more
 * @param weight of their part of the discriminator's loss, that of generated images being 1
 */
public record Unwanted(ImageDataset images, double weight) {

  public Unwanted {
    if (images.size() == 0) {
      throw new IllegalArgumentException("there are no unwanted images");
    }
    if (!(weight > 0) || !Double.isFinite(weight)) {
      throw new IllegalArgumentException("the weight of unwanted images is " + weight + "; it must be above 0");
    }
  }
}
