package dev.lethe.trainer.cascade;

import dev.lethe.trainer.data.ImageDataset;

/** What the discriminator relearns from (arXiv 2308.09881, section 4.2). */
public sealed interface LearningMode {

  /** From real images that the model must keep. */
  record FewShot(ImageDataset images) implements LearningMode {}

  /** From what the original generator makes. */
  record ZeroShot() implements LearningMode {}
}
