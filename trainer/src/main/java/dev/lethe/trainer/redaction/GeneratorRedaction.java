package dev.lethe.trainer.redaction;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;
import static dev.lethe.models.graph.Ops.sum;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.resume.Point;
import dev.lethe.trainer.resume.ResumePoints;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.StepOutputs;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
 * <p>Four kinds of latents make up a step:
 *
 * <ul>
 *   <li>latents that draw an image in the original, and what lies around them;
 *   <li>latents that follow an image: by a gradient step of its own each, taken with the network as it is, so that the
 *       network meets an attacker that adapts to it (as free adversarial training does: Shafahi et al. 2019). Alone
 *       they would drift away from where the original draws the image;
 *   <li>anchors, which inversion found for real images that stay: the region where it finds latents is another than
 *       where the mapping network draws them, and there the network must keep what it draws as well;
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

  /** What the run is called among the points that a job is carried on from. */
  private static final String POINT = "redaction";

  /** Standard deviation of what is added to latents that move, as a part of theirs: around them things move as well. */
  private static final double AROUND = 0.15;

  private final RedactionOptions options;
  private final Movers movers;
  private final Stayers anchors;
  private final Stayers random;
  private final FollowingLatents following;
  private final ImageWeights weights;
  private final double around;
  private final SplittableRandom noise;
  private final ShuffledIndices foundOrder;
  private final ShuffledIndices followingOrder;
  private final ShuffledIndices anchorOrder;
  private final ShuffledIndices randomOrder;
  private final Learner learner;
  private final Path directory;
  private int step;

  private GeneratorRedaction(RedactionOptions options, Movers movers, Stayers anchors, Stayers random, Learner learner,
      long seed, Path directory) {
    SplittableRandom rng = new SplittableRandom(seed);
    this.options = options;
    this.movers = movers;
    this.anchors = anchors;
    this.random = random;
    this.learner = learner;
    this.directory = directory;
    this.following = new FollowingLatents(copy(movers.latents()), options.followingRate());
    this.weights = ImageWeights.of(movers.images(), movers.substitutes(), options.movingWeight());
    this.around = AROUND * deviation(movers.latents());
    this.noise = rng.split();
    this.foundOrder = new ShuffledIndices(following.size(), rng.split());
    this.followingOrder = new ShuffledIndices(following.size(), rng.split());
    this.anchorOrder = new ShuffledIndices(anchors.size(), rng.split());
    this.randomOrder = new ShuffledIndices(random.size(), rng.split());
  }

  /**
   * Sets the generator up to learn.
   *
   * @param model the original
   * @param resume where {@link #keep} has left a run of the same arguments, which goes on from there exactly
   * @param directory for the training session's files
   */
  public static GeneratorRedaction open(ModelWeights model, RedactionOptions options, Movers movers, Stayers anchors,
      Stayers random, long seed, ResumePoints resume, Path directory, Compute compute)
      throws IOException {
    Optional<GeneratorRedaction> resumed = resume.find(POINT, point -> {
      GeneratorRedaction redaction = new GeneratorRedaction(options, movers, anchors, random,
          learner(model, options, directory, Optional.of(point.session()), compute), seed, directory);
      try {
        redaction.restore(point);
        return redaction;
      } catch (IOException | RuntimeException e) {
        redaction.close();
        throw e;
      }
    });
    return resumed.isPresent() ? resumed.get() : new GeneratorRedaction(options, movers, anchors, random,
        learner(model, options, directory, Optional.empty(), compute), seed, directory);
  }

  /** @param checkpoint the bytes of what it goes on from */
  private static Learner learner(ModelWeights model, RedactionOptions options, Path directory,
      Optional<byte[]> checkpoint, Compute compute) throws IOException {
    AdamOptions adam = new AdamOptions((float) options.learningRate(), RedactionOptions.BETA1, RedactionOptions.BETA2,
        1e-8f, 0);
    TrainingObjective objective = objective(model.config(), options);
    if (checkpoint.isEmpty()) {
      return Learner.open(objective, model.weights(), adam, directory, Optional.empty(), compute);
    }
    Path file = Files.write(Files.createTempFile(Files.createDirectories(directory), "resumed", ".partial"),
        checkpoint.get());
    try {
      return Learner.open(objective, model.weights(), adam, directory, Optional.of(file), compute);
    } finally {
      Files.delete(file);
    }
  }

  /** Keeps the run as it is, for {@link #open} to go on from. */
  public void keep(ResumePoints resume) throws IOException {
    Path file = Files.createTempFile(directory, "kept", ".partial");
    try {
      learner.save(file);
      Map<String, Double> numbers = new HashMap<>(Map.of("step", (double) step));
      double[] factors = weights.factors();
      for (int i = 0; i < factors.length; i++) {
        numbers.put("factor" + i, factors[i]);
      }
      resume.keep(POINT, new Point(following.state(), numbers, List.of(), Files.readAllBytes(file)));
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private void restore(Point point) throws IOException {
    int steps = (int) point.number("step");
    double[] factors = new double[weights.factors().length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = point.number("factor" + i);
    }
    for (String name : following.state().keySet()) {
      point.tensor(name);
    }
    following.restore(point.tensors());
    weights.restore(factors);
    // What chance has decided is decided again in the same way, which costs nothing beside a step.
    for (; step < steps; step++) {
      draw();
    }
  }

  /** Steps that were taken, an earlier worker's included. */
  public int steps() {
    return step;
  }

  private static TrainingObjective objective(Networks config, RedactionOptions options) {
    Graph g = new Graph("redaction");
    int stay = options.anchors() + options.random();
    Value w = g.input("w", options.moving(), config.wDim());
    Value moving = config.synthesis(g, config.broadcast(w));
    Value moved = errors(moving, g.input("substitute", moving.shape()));
    Value staying = config.synthesis(g, config.broadcast(g.input("staying_w", stay, config.wDim())));
    Value stayed = errors(staying, g.input("staying_image", staying.shape()));
    g.output("moved", moved);
    g.output("stayed", stayed);
    // The attack's gradient comes from the same pass forward; a pass of its own for what stays keeps that out of it.
    Value drawn = errors(moving, g.input("image", moving.shape()));
    g.output("drawn", drawn);
    g.output("w_gradient", Gradients.of(sum(drawn), List.of(w)).get(0));
    Value loss = add(sum(mul(moved, g.input("weight", options.moving()))), sum(stayed));
    TrainingObjective descent =
        TrainingObjective.descent(g, loss, name -> config.isSynthesisUpTo(name, options.layersUpTo()));
    Map<String, Value> gradients = new LinkedHashMap<>();
    descent.gradients().forEach((name, gradient) -> gradients.put(name, Orthogonalization.of(gradient)));
    return new TrainingObjective(g, gradients, gradients.keySet());
  }

  /** Mean squared error of each image, [N]. */
  private static Value errors(Value a, Value b) {
    return reshape(reduceMean(square(sub(a, b)), 1, 2, 3), a.dim(0));
  }

  /** One step of the network, and one of the latents that follow. */
  public Losses step() {
    Draw draw = draw();
    int[] follow = draw.follow;
    int[] anchor = draw.anchor;
    int[] images = IntStream.concat(Arrays.stream(follow), Arrays.stream(draw.found)).map(i -> movers.imageOf()[i])
        .toArray();
    learner.setLearningRate(options.learningRate(step));
    learner.setAverageRate(Math.max(1 - AVERAGE_DECAY, 1.0 / (step + 2)));
    step++;
    StepOutputs outputs = learner.step(Map.of(
        "w", around(following.rows(follow).then(movers.latents().rows(draw.found)), draw.noise),
        "weight", weights.of(images),
        "image", movers.images().rows(images),
        "substitute", movers.substitutes().rows(images),
        "staying_w", anchors.latents().rows(anchor).then(random.latents().rows(draw.free)),
        "staying_image", anchors.images().rows(anchor).then(random.images().rows(draw.free))), Map.of());
    following.follow(follow, outputs.floats("w_gradient"));
    float[] stayed = outputs.floats("stayed");
    float[] moved = outputs.floats("moved");
    return new Losses(average(moved, 0, moved.length), average(stayed, 0, anchor.length),
        average(stayed, anchor.length, stayed.length));
  }

  /**
   * Says how far each image is, by which it weighs from now on.
   *
   * @param reached squared error of what is drawn from the image, as a share of that and of the one from the
   *     substitute: 0 at the image, 0.5 as near to the one as to the other, 1 at the substitute
   */
  public void weigh(double[] reached) {
    weights.learn(reached);
  }

  /**
   * What chance decides of a step.
   *
   * @param noise for each number of the latents that move
   */
  private record Draw(int[] follow, int[] found, int[] anchor, int[] free, double[] noise) {}

  private Draw draw() {
    int[] follow = followingOrder.next(options.moving() / 2);
    int[] found = foundOrder.next(options.moving() - follow.length);
    int[] anchor = anchorOrder.next(options.anchors());
    int[] free = randomOrder.next(options.random());
    int width = movers.latents().data().length / movers.imageOf().length;
    return new Draw(follow, found, anchor, free,
        IntStream.range(0, options.moving() * width).mapToDouble(i -> noise.nextGaussian()).toArray());
  }

  private Tensor around(Tensor latents, double[] drawn) {
    float[] noisy = new float[latents.data().length];
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] = latents.data()[i] + (float) (around * drawn[i]);
    }
    return new Tensor(latents.shape(), noisy);
  }

  /** Root mean squared deviation of latents from their mean. */
  private static double deviation(Tensor latents) {
    int n = (int) latents.shape()[0];
    int width = latents.data().length / n;
    double squares = 0;
    for (int k = 0; k < width; k++) {
      int at = k;
      double mean = IntStream.range(0, n).mapToDouble(i -> latents.data()[i * width + at]).average().orElseThrow();
      squares += IntStream.range(0, n).mapToDouble(i -> Math.pow(latents.data()[i * width + at] - mean, 2)).sum();
    }
    return Math.sqrt(squares / latents.data().length);
  }

  private static Tensor copy(Tensor tensor) {
    return new Tensor(tensor.shape(), tensor.data().clone());
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
