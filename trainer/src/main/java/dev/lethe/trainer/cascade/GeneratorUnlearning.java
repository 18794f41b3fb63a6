package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Generator;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Effort;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.StepOutputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The generator's half of the cascade: at the latents of the images to unlearn it moves to their substitutes, at others
 * it stays with its teacher. Both distances are λ1 mean |a − b| + λ2 · perceptual distance; the paper leaves the norm of
 * the pixel loss open. Only the synthesis network learns, so that latents keep their meaning.
 *
 * <p>The paper's few-shot mode holds the generator with the adversarial loss instead. A discriminator that is being
 * taught to reject what the generator makes well is a poor judge of it: with that loss Fréchet distances rose several
 * times as much for half the move, at twice the work.
 */
final class GeneratorUnlearning implements AutoCloseable {

  /** Weight of the teacher: with 1, the same move of the generator costs several times the Fréchet distance. */
  private static final double TEACHER = 2;

  /** Losses of one step. */
  record Losses(double unlearn, double learn) {}

  private final CascadeOptions options;
  private final Tensor latents;
  private final Tensor substitutes;
  private final Tensor substituteDirections;
  private final Teacher teacher;
  private final Learner learner;
  private final Deck unlearnDeck;
  private final Deck learnDeck;

  private GeneratorUnlearning(CascadeOptions options, Tensor latents, Tensor substitutes, Tensor substituteDirections,
      Teacher teacher, Learner learner) {
    SplittableRandom random = new SplittableRandom(options.seed());
    this.options = options;
    this.latents = latents;
    this.substitutes = substitutes;
    this.substituteDirections = substituteDirections;
    this.teacher = teacher;
    this.learner = learner;
    this.unlearnDeck = new Deck((int) latents.shape()[0], random.split());
    this.learnDeck = new Deck(teacher.size(), random.split());
  }

  /**
   * @param latents w_u, [N, w_dim]
   * @param substitutes S(x_u), [N, C, H, W]
   * @param directory for the training session's files
   */
  static GeneratorUnlearning open(ModelWeights model, CascadeOptions options, Tensor latents, Tensor substitutes,
      Teacher teacher, Path directory, ExecutionDevice device, int threads) throws IOException {
    Graph g = new Graph("generator_unlearning");
    Value unlearn = distance(g, model, options, "unlearn", options.batch() / 2);
    Value learn = distance(g, model, options, "learn", options.batch());
    g.output("unlearn_loss", unlearn);
    g.output("learn_loss", learn);
    AdamOptions adam = new AdamOptions((float) (options.learningRate() * options.generatorRate()),
        CascadeOptions.BETA1, CascadeOptions.BETA2, 1e-8f, 0);
    Learner learner = Learner.open(
        Learner.Problem.descent(g, add(unlearn, mul(learn, TEACHER)),
            name -> name.startsWith("G.") && Generator.isTrainable(name)),
        model.weights(), adam, directory, Optional.empty(), device, threads);
    Tensor directions =
        PerceptualLoss.directions(model.features(), model.weights(), substitutes, device, threads);
    return new GeneratorUnlearning(options, latents, substitutes, directions, teacher, learner);
  }

  /** Distance of what the generator makes of an input of latents and what an input says that it should make. */
  private static Value distance(Graph g, ModelWeights model, CascadeOptions options, String input, int n) {
    StyleGan2Config config = model.config();
    Value w = g.input(input + ".w", n, config.wDim());
    Value image = g.input(input + ".image", n, config.channels(), config.resolution(), config.resolution());
    Value direction = g.input(input + ".direction", n, FeatureNetwork.FEATURES);
    Value made = Generator.synthesis(g, config, Generator.broadcast(config, w), Noise.constant());
    return add(mul(mean(abs(sub(made, image))), options.lambda1()),
        mul(PerceptualLoss.between(g, model.features(), made, direction), options.lambda2()));
  }

  /** @param iteration of the cascade, from 0 */
  Losses step(int iteration) {
    int[] unlearn = unlearnDeck.deal(options.batch() / 2);
    int[] learn = learnDeck.deal(options.batch());
    learner.setLearningRate(options.learningRate() * options.generatorRate() * options.decay(iteration));
    StepOutputs outputs = learner.step(Map.of(
        "unlearn.w", latents.rows(unlearn),
        "unlearn.image", substitutes.rows(unlearn),
        "unlearn.direction", substituteDirections.rows(unlearn),
        "learn.w", teacher.latents().rows(learn),
        "learn.image", teacher.images().rows(learn),
        "learn.direction", teacher.directions().rows(learn)), Map.of());
    return new Losses(outputs.scalar("unlearn_loss"), outputs.scalar("learn_loss"));
  }

  /** Weights of the synthesis network. */
  Map<String, Tensor> weights() throws IOException {
    return learner.parameters();
  }

  Effort effort() {
    return learner.effort();
  }

  @Override
  public void close() {
    learner.close();
  }
}
