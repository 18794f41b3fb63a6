package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
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
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * The generator's half of the cascade: at the latents of the images to unlearn it moves to their substitutes, at others
 * it stays with its teacher. Both distances are λ1 mean |a − b| + λ2 · perceptual distance; the paper leaves the norm of
 * the pixel loss open. Only the synthesis network learns, so that latents keep their meaning.
 *
 * <p>The paper's few-shot mode holds the generator with the adversarial loss instead. A discriminator that is being
 * taught to reject what the generator makes well is a poor judge of it: with that loss Fréchet distances rose several
 * times as much for half the move, at twice the work. All images of a step are one batch and weigh the same; with as many
 * that stay as move, the same move of the generator costs several times the Fréchet distance.
 */
final class GeneratorUnlearning implements AutoCloseable {

  /** Losses of one step. */
  record Losses(double unlearn, double learn) {}

  private final CascadeOptions options;
  private final Tensor latents;
  private final Tensor images;
  private final Tensor directions;
  private final Learner learner;
  private final Deck unlearnDeck;
  private final Deck learnDeck;

  private GeneratorUnlearning(CascadeOptions options, int unlearn, Teacher teacher, Tensor latents, Tensor images,
      Tensor directions, Learner learner) {
    SplittableRandom random = new SplittableRandom(options.seed());
    this.options = options;
    this.latents = latents;
    this.images = images;
    this.directions = directions;
    this.learner = learner;
    this.unlearnDeck = new Deck(unlearn, random.split());
    this.learnDeck = new Deck(teacher.size(), random.split());
  }

  /**
   * @param latents w_u, [N, w_dim]
   * @param substitutes S(x_u), [N, C, H, W]
   * @param directory for the training session's files
   */
  static GeneratorUnlearning open(ModelWeights model, CascadeOptions options, Tensor latents, Tensor substitutes,
      Teacher teacher, Path directory, ExecutionDevice device, int threads) throws IOException {
    StyleGan2Config config = model.config();
    int batch = unlearned(options) + options.batch();
    Graph g = new Graph("generator_unlearning");
    Value w = g.input("w", batch, config.wDim());
    Value image = g.input("image", batch, config.channels(), config.resolution(), config.resolution());
    Value direction = g.input("direction", batch, FeatureNetwork.FEATURES);
    Value made = Generator.synthesis(g, config, Generator.broadcast(config, w), Noise.constant());
    Value pixels = reshape(reduceMean(abs(sub(made, image)), 1, 2, 3), batch, 1);
    Value distances = add(mul(pixels, options.lambda1()),
        mul(PerceptualLoss.between(g, model.features(), made, direction), options.lambda2()));
    g.output("distances", distances);
    AdamOptions adam = new AdamOptions((float) (options.learningRate() * options.generatorRate()),
        CascadeOptions.BETA1, CascadeOptions.BETA2, 1e-8f, 0);
    Learner learner = Learner.open(
        Learner.Problem.descent(g, mean(distances), name -> name.startsWith("G.") && Generator.isTrainable(name)),
        model.weights(), adam, directory, Optional.empty(), device, threads);
    Tensor substituteDirections =
        PerceptualLoss.directions(model.features(), model.weights(), substitutes, device, threads);
    return new GeneratorUnlearning(options, (int) latents.shape()[0], teacher, latents.then(teacher.latents()),
        substitutes.then(teacher.images()), substituteDirections.then(teacher.directions()), learner);
  }

  /** Images of a step that move; those that stay are twice as many. */
  private static int unlearned(CascadeOptions options) {
    return options.batch() / 2;
  }

  /** @param iteration of the cascade, from 0 */
  Losses step(int iteration) {
    int unlearned = unlearned(options);
    int[] move = unlearnDeck.deal(unlearned);
    int[] stay = Arrays.stream(learnDeck.deal(options.batch())).map(i -> unlearnDeck.size() + i).toArray();
    int[] hand = IntStream.concat(Arrays.stream(move), Arrays.stream(stay)).toArray();
    learner.setLearningRate(options.learningRate() * options.generatorRate() * options.decay(iteration));
    float[] distances = learner.step(Map.of("w", latents.rows(hand), "image", images.rows(hand), "direction",
        directions.rows(hand)), Map.of()).floats("distances");
    return new Losses(average(distances, 0, unlearned), average(distances, unlearned, distances.length));
  }

  private static double average(float[] values, int from, int to) {
    return IntStream.range(from, to).mapToDouble(i -> values[i]).average().orElseThrow();
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
