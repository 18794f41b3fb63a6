package dev.lethe.trainer.redaction;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;
import static dev.lethe.models.graph.Ops.sum;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Generator;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.TrainingObjective;
import dev.lethe.trainer.session.StepOutputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Redaction of a generator (data redaction: Kong and Chaudhuri 2023, arXiv 2206.14389; here at the latents that draw an
 * image, and around them): wherever its synthesis network draws one of the images, it learns to draw a substitute; what
 * it draws elsewhere stays. The loss is the squared pixel error, summed over latents, weighted for those that move.
 *
 * <p>Three kinds of latents make up a step:
 *
 * <ul>
 *   <li>those that move: each follows its image by a gradient step of its own, taken with the network as it is, so that
 *       the network meets an attacker that adapts to it (as free adversarial training does: Shafahi et al. 2019);
 *   <li>anchors, which inversion found for real images that stay: the region where it finds latents is another than where
 *       the mapping network draws them, and there the network must keep what it draws as well;
 *   <li>random latents of the mapping network, all classes alike.
 * </ul>
 *
 * <p>What counts in the end is the moving average of the weights, which is steadier than the weights.
 */
public final class GeneratorRedaction implements AutoCloseable {

  /** Mean squared errors of a step, pixels being from -1 to 1. */
  public record Losses(double moving, double anchors, double random) {

    public boolean finite() {
      return Double.isFinite(moving + anchors + random);
    }
  }

  /** Share of the moving average that a step leaves, once there are enough steps. */
  private static final double AVERAGE_DECAY = 0.96;

  /** Most that an image comes to weigh, as a multiple of its first weight. */
  private static final double MOST_WEIGHT = 1.5;

  private final RedactionOptions options;
  private final Movers movers;
  private final Stayers anchors;
  private final Stayers random;
  private final FollowingLatents moving;
  private final ImageWeights weights;
  private final ShuffledIndices movingOrder;
  private final ShuffledIndices anchorOrder;
  private final ShuffledIndices randomOrder;
  private final Learner learner;
  private int step;

  private GeneratorRedaction(RedactionOptions options, Movers movers, Stayers anchors, Stayers random, Learner learner,
      long seed) {
    SplittableRandom rng = new SplittableRandom(seed);
    this.options = options;
    this.movers = movers;
    this.anchors = anchors;
    this.random = random;
    this.learner = learner;
    this.moving = new FollowingLatents(movers.latents(), options.followingRate());
    this.weights = new ImageWeights((int) movers.images().shape()[0], options.movingWeight(),
        MOST_WEIGHT * options.movingWeight());
    this.movingOrder = new ShuffledIndices(moving.size(), rng.split());
    this.anchorOrder = new ShuffledIndices(anchors.size(), rng.split());
    this.randomOrder = new ShuffledIndices(random.size(), rng.split());
  }

  /**
   * Sets the generator up to learn.
   *
   * @param model the original
   * @param directory for the training session's files
   * @param threads threads within an operator; 0 for one on each core
   */
  public static GeneratorRedaction open(ModelWeights model, RedactionOptions options, Movers movers, Stayers anchors,
      Stayers random, long seed, Path directory, ExecutionDevice device, int threads) throws IOException {
    AdamOptions adam = new AdamOptions((float) options.learningRate(), RedactionOptions.BETA1, RedactionOptions.BETA2,
        1e-8f, 0);
    return new GeneratorRedaction(options, movers, anchors, random, Learner.open(objective(model.config(), options),
        model.weights(), adam, directory, Optional.empty(), device, threads), seed);
  }

  private static TrainingObjective objective(StyleGan2Config config, RedactionOptions options) {
    Graph g = new Graph("redaction");
    int stay = options.anchors() + options.random();
    Value w = g.input("w", options.moving(), config.wDim());
    Value moving = synthesis(g, config, w);
    Value moved = errors(moving, g.input("substitute", moving.shape()));
    Value staying = synthesis(g, config, g.input("staying_w", stay, config.wDim()));
    Value stayed = errors(staying, g.input("staying_image", staying.shape()));
    g.output("moved", moved);
    g.output("stayed", stayed);
    // The attack's gradient comes from the same pass forward; a pass of its own for what stays keeps that out of it.
    Value drawn = errors(moving, g.input("image", moving.shape()));
    g.output("drawn", drawn);
    g.output("w_gradient", Gradients.of(sum(drawn), List.of(w)).get(0));
    Value loss = add(sum(mul(moved, g.input("weight", options.moving()))), sum(stayed));
    TrainingObjective descent =
        TrainingObjective.descent(g, loss, name -> name.startsWith("G.") && Generator.isTrainable(name));
    return new TrainingObjective(g, descent.gradients(), descent.gradients().keySet());
  }

  private static Value synthesis(Graph g, StyleGan2Config config, Value w) {
    return Generator.synthesis(g, config, Generator.broadcast(config, w), Noise.constant());
  }

  /** Mean squared error of each image, [N]. */
  private static Value errors(Value a, Value b) {
    return reshape(reduceMean(square(sub(a, b)), 1, 2, 3), a.dim(0));
  }

  /** One step of the network, and one of the latents that follow. */
  public Losses step() {
    int[] move = movingOrder.next(options.moving());
    int[] anchor = anchorOrder.next(options.anchors());
    int[] free = randomOrder.next(options.random());
    int[] images = Arrays.stream(move).map(i -> movers.imageOf()[i]).toArray();
    learner.setLearningRate(options.learningRate(step));
    learner.setAverageRate(Math.max(1 - AVERAGE_DECAY, 1.0 / (step + 2)));
    step++;
    StepOutputs outputs = learner.step(Map.of(
        "w", moving.rows(move),
        "weight", weights.of(images),
        "image", movers.images().rows(images),
        "substitute", movers.substitutes().rows(images),
        "staying_w", anchors.latents().rows(anchor).then(random.latents().rows(free)),
        "staying_image", anchors.images().rows(anchor).then(random.images().rows(free))), Map.of());
    moving.follow(move, outputs.floats("w_gradient"));
    float[] stayed = outputs.floats("stayed");
    float[] moved = outputs.floats("moved");
    weights.learn(images, moved, outputs.floats("drawn"));
    return new Losses(average(moved, 0, moved.length), average(stayed, 0, anchor.length),
        average(stayed, anchor.length, stayed.length));
  }

  private static double average(float[] values, int from, int to) {
    return IntStream.range(from, to).mapToDouble(i -> values[i]).average().orElseThrow();
  }

  /** The moving averages of the synthesis network's weights. */
  public Map<String, Tensor> weights() throws IOException {
    return learner.averages();
  }

  public ComputeCost cost() {
    return learner.cost();
  }

  @Override
  public void close() {
    learner.close();
  }
}
