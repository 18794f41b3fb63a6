package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.Map;

/**
 * What the discriminator goes on learning while it unlearns, which is what the modes of unlearning differ in (arXiv
 * 2308.09881, section 4.2).
 */
interface LearningPhase {

  /** Builds the loss, a scalar; called once. */
  Value loss(Head head);

  /** Adds the values of its inputs for the next step. */
  void next(Map<String, Tensor> inputs);
}
