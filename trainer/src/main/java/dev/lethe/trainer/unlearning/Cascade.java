package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Cascaded unlearning (arXiv 2308.09881, algorithm 1): in every iteration an unlearning phase and a learning phase. Each
 * network takes the gradients of both phases in one step: with a step for each, the phases pull the discriminator's bias
 * to and fro, and it hardly learns what sets the unlearned images apart.
 */
final class Cascade implements AutoCloseable {

  /** Losses of one iteration, each network's last. */
  record Losses(double unlearnGenerator, double learnGenerator, double unlearnDiscriminator,
      double learnDiscriminator) {

    boolean finite() {
      return Double.isFinite(unlearnGenerator + unlearnDiscriminator + learnGenerator + learnDiscriminator);
    }
  }

  private final CascadeOptions options;
  private final GeneratorUnlearning generator;
  private final DiscriminatorUnlearning discriminator;
  private int iteration;

  /** Takes both over and closes them in the end. */
  Cascade(CascadeOptions options, GeneratorUnlearning generator, DiscriminatorUnlearning discriminator) {
    this.options = options;
    this.generator = generator;
    this.discriminator = discriminator;
  }

  Losses iterate() {
    GeneratorUnlearning.Losses made = generator.step(iteration);
    DiscriminatorUnlearning.Losses judged = null;
    for (int i = 0; i < options.discriminatorSteps(); i++) {
      judged = discriminator.step(iteration);
    }
    iteration++;
    return new Losses(made.unlearn(), made.learn(), judged.unlearn(), judged.learn());
  }

  /** Present weights of what has learned. */
  Map<String, Tensor> weights() throws IOException {
    Map<String, Tensor> weights = new HashMap<>(generator.weights());
    weights.putAll(discriminator.weights());
    return weights;
  }

  @Override
  public void close() {
    generator.close();
    discriminator.close();
  }
}
