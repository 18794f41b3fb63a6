package dev.lethe.trainer.cascade;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.session.Effort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Cascaded unlearning (arXiv 2308.09881, algorithm 1): in every iteration an unlearning phase and a learning phase. Each
 * network takes the gradients of both phases in one step: with a step for each, the phases pull the discriminator's bias
 * to and fro, and it hardly learns what sets the unlearned images apart.
 */
public final class Cascade implements AutoCloseable {

  /** Losses of one iteration, each network's last. */
  public record Losses(double unlearnGenerator, double learnGenerator, double unlearnDiscriminator,
      double learnDiscriminator) {

    /** Whether every loss is a number. */
    public boolean finite() {
      return Double.isFinite(unlearnGenerator + unlearnDiscriminator + learnGenerator + learnDiscriminator);
    }
  }

  private final CascadeOptions options;
  private final GeneratorUnlearning generator;
  private final DiscriminatorUnlearning discriminator;
  private int iteration;

  /**
   * Sets both networks up to unlearn.
   *
   * @param model the original
   * @param targets at least one image and one latent
   * @param teacher what the candidate must go on making
   * @param directory for the training sessions' files
   * @param threads threads within an operator; 0 for one on each core
   */
  public static Cascade open(ModelWeights model, CascadeOptions options, Targets targets, LearningMode mode,
      Teacher teacher, Path directory, ExecutionDevice device, int threads) throws IOException {
    List<Lesson> lessons = new ArrayList<>();
    try (Activations.Original original =
        Activations.Original.open(model.config(), model.weights(), device, threads)) {
      lessons.add(new Lesson(original.of(targets.images(), targets.labels()), targets.fakeLabels()));
      lessons.add(Lesson.keep(original.of(teacher.images(), teacher.labels())));
      if (mode instanceof LearningMode.FewShot few) {
        lessons.add(Lesson.keep(original.of(few.images().images(), few.images().classIndices())));
        few.unseen().ifPresent(unseen ->
            lessons.add(Lesson.keep(original.of(unseen.images(), unseen.classIndices()))));
      }
    }
    GeneratorUnlearning generator = GeneratorUnlearning.open(model, options, targets.latents(), targets.substitutes(),
        teacher, directory.resolve("generator"), device, threads);
    try {
      return new Cascade(options, generator, DiscriminatorUnlearning.open(model.config(), model.weights(), options,
          lessons, directory.resolve("discriminator"), device, threads));
    } catch (IOException | RuntimeException e) {
      generator.close();
      throw e;
    }
  }

  private Cascade(CascadeOptions options, GeneratorUnlearning generator, DiscriminatorUnlearning discriminator) {
    this.options = options;
    this.generator = generator;
    this.discriminator = discriminator;
  }

  /** One iteration; their number is the options' at most. */
  public Losses iterate() {
    GeneratorUnlearning.Losses made = generator.step(iteration);
    DiscriminatorUnlearning.Losses judged = null;
    for (int i = 0; i < options.discriminatorSteps(); i++) {
      judged = discriminator.step(iteration);
    }
    iteration++;
    return new Losses(made.unlearn(), made.learn(), judged.unlearn(), judged.learn());
  }

  /** Present weights of what learns: the synthesis network and the discriminator's head, by parameter name. */
  public Map<String, Tensor> weights() throws IOException {
    Map<String, Tensor> weights = new HashMap<>(generator.weights());
    weights.putAll(discriminator.weights());
    return weights;
  }

  /** What the generator's steps took so far. */
  public Effort generatorEffort() {
    return generator.effort();
  }

  /** What the discriminator's steps took so far. */
  public Effort discriminatorEffort() {
    return discriminator.effort();
  }

  @Override
  public void close() {
    generator.close();
    discriminator.close();
  }
}
