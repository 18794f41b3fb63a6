package dev.lethe.trainer.cascade;

import dev.lethe.trainer.data.ImageDataset;

/** What the discriminator must go on thinking the same of (arXiv 2308.09881, section 4.2). */
public sealed interface LearningMode {

  /** Of real images that the model must keep, and of what the original generator makes. */
  record FewShot(ImageDataset images) implements LearningMode {}

  /** Of what the original generator makes. */
  record ZeroShot() implements LearningMode {}
}
