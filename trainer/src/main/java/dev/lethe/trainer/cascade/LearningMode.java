package dev.lethe.trainer.cascade;

import dev.lethe.trainer.data.ImageDataset;
import java.util.Optional;

/** What the discriminator must go on thinking the same of (arXiv 2308.09881, section 4.2). */
public sealed interface LearningMode {

  /**
   * Of real images that the model must keep, and of what the original generator makes.
   *
   * @param images to keep
   * @param unseen images that the model never learned, of which it must go on thinking the same too: for a fake label
   *     that is to make unlearned images look like these
   */
  record FewShot(ImageDataset images, Optional<ImageDataset> unseen) implements LearningMode {}

  /** Of what the original generator makes. */
  record ZeroShot() implements LearningMode {}
}
