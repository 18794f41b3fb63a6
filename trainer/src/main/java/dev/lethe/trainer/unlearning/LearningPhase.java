package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.Map;

/**
 * What holds the model together while it unlearns: the second half of each iteration of the cascade (arXiv 2308.09881,
 * section 4.2).
 */
interface LearningPhase {

  /**
   * Losses of a step, both scalars; each network takes the gradient of its own.
   *
   * @param generator minimised by the generator's parameters
   * @param discriminator minimised by the discriminator's
   */
  record Losses(Value generator, Value discriminator) {}

  /** Declares the inputs of this phase; called once, outside of any branch. */
  void declareInputs(Graph g);

  /** Builds the losses. */
  Losses losses(Graph g);

  /** Values of the inputs for an iteration. */
  Map<String, Tensor> inputs(int iteration);
}
