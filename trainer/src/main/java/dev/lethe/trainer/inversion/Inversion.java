package dev.lethe.trainer.inversion;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;
import static dev.lethe.models.graph.Ops.mean;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.features.ModelRunner;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.metrics.PixelDistance;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.Sampler;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.StepOutputs;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * GAN inversion: for each image the latent whose picture is nearest to it, w_u = argmin_w ‖G(w) − x‖² + a perceptual
 * term. All images in one batch: first the nearest of many random latents of the image's class, then gradient descent.
 */
public final class Inversion {

  /**
   * What was found.
   *
   * @param w [R N, w_dim], or in W+ [R N, num_ws, w_dim], of R restarts: first one latent of each image, then another
   * @param errors mean squared pixel error of each latent, on the scale of [-1, 1]
   * @param cost what the gradient steps took
   */
  public record Result(Tensor w, double[] errors, ComputeCost cost) {

    /** Mean of the errors. */
    public double meanError() {
      return Arrays.stream(errors).average().orElse(0);
    }

    private Result then(Result next) {
      return new Result(w.then(next.w),
          DoubleStream.concat(Arrays.stream(errors), Arrays.stream(next.errors)).toArray(), cost.plus(next.cost));
    }
  }

  /** Told how far a run is. */
  public interface Progress {
    void step(int step, int steps, double error);
  }

  /** Values of the feature maps of the images of one step at most: with gradients some GiB. */
  private static final long VALUES = 1L << 27;

  private final ModelWeights model;
  private final Networks config;
  private final InversionOptions options;
  private final Compute compute;
  private final Optional<ModelRunner> kept;

  private Inversion(ModelWeights model, InversionOptions options, Compute compute, Optional<ModelRunner> kept) {
    this.model = model;
    this.config = model.config();
    this.options = options;
    this.compute = compute;
    this.kept = kept;
  }

  /** In sessions of its own, which are closed before the descent begins: that needs the memory. */
  public Inversion(ModelWeights model, InversionOptions options, Compute compute) {
    this(model, options, compute, Optional.empty());
  }

  /** In sessions that are kept, for who inverts in the same models again. */
  public Inversion(ModelWeights model, InversionOptions options, ModelRunner runner) {
    this(model, options, runner.compute(), Optional.of(runner));
  }

  /**
   * Inverts images.
   *
   * @param images [N, C, H, W] in [-1, 1], one or more
   * @param labels class of each; of an unconditional model they do not matter
   * @param directory for the training session's files
   * @throws IllegalArgumentException if images and labels do not fit the generator or each other
   */
  public Result invert(Tensor images, int[] labels, Path directory, long seed, Progress progress) throws IOException {
    long[] shape = {labels.length, config.channels(), config.resolution(), config.resolution()};
    if (labels.length == 0 || !Arrays.equals(shape, images.shape())) {
      throw new IllegalArgumentException("the images have the shape " + Arrays.toString(images.shape()) + "; with "
          + labels.length + " labels it must be " + Arrays.toString(shape) + ", and there must be one or more");
    }
    Start start;
    if (kept.isPresent()) {
      start = start(kept.get(), images, labels, seed);
    } else {
      try (ModelRunner own = new ModelRunner(compute)) {
        start = start(own, images, labels, seed);
      }
    }
    Map<String, Tensor> parameters = new HashMap<>(model.weights());
    Tensor starts = start.latents;
    Tensor directions = start.directions;
    int n = labels.length * options.restarts();
    int[] imageOf = IntStream.range(0, n).map(i -> i % labels.length).toArray();
    // Each latent is looked for on its own: where images are large, a part of them at a time.
    int most = (int) Math.max(1, VALUES / config.activationValues());
    Result all = null;
    for (int from = 0; from < n; from += most) {
      int[] part = IntStream.range(from, Math.min(n, from + most)).toArray();
      int[] ofPart = Arrays.stream(part).map(i -> imageOf[i]).toArray();
      parameters.put("w", starts.rows(part));
      int before = from;
      Result found = descend(parameters, images.rows(ofPart), directions.rows(ofPart), directory,
          (step, steps, error) -> progress.step((before * steps + step * part.length) / n, steps, error));
      all = all == null ? found : all.then(found);
    }
    return all;
  }

  /**
   * Where a search begins, and what it goes by.
   *
   * @param directions features of the images, [N, F]
   */
  private record Start(Tensor latents, Tensor directions) {}

  private Start start(ModelRunner runner, Tensor images, int[] labels, long seed) {
    Tensor starts = nearestStarts(runner.sampler(model), images, labels, new SplittableRandom(seed));
    return new Start(options.space() == LatentSpace.W ? starts : everyLayer(starts),
        options.perceptualWeight() > 0 ? runner.directions(model, images) : Tensor.zeros(labels.length, 0));
  }

  /** @param parameters weights, and w to start from */
  private Result descend(Map<String, Tensor> parameters, Tensor targets, Tensor directions, Path directory,
      Progress progress) throws IOException {
    AdamOptions adam = new AdamOptions((float) options.learningRate(), 0.9f, 0.999f, 1e-8f, 0);
    int n = (int) targets.shape()[0];
    try (Learner learner = Learner.open(objective(n), parameters, adam, directory, Optional.empty(), compute)) {
      Map<String, Tensor> inputs = new HashMap<>(Map.of("target", targets));
      if (options.perceptualWeight() > 0) {
        inputs.put("direction", directions);
      }
      for (int step = 0; step < options.steps(); step++) {
        learner.setLearningRate(options.learningRate() * (1 + Math.cos(Math.PI * step / options.steps())) / 2);
        StepOutputs outputs = learner.step(inputs, Map.of());
        inputs = Map.of(); // They stay where they are.
        progress.step(step + 1, options.steps(), average(outputs.floats("errors")));
      }
      Tensor w = learner.parameters().get("w");
      // The errors that a step reports are those before it, so the last are measured by a step that moves nothing.
      learner.setLearningRate(0);
      float[] errors = learner.step(inputs, Map.of()).floats("errors");
      double[] wide = new double[errors.length];
      for (int i = 0; i < errors.length; i++) {
        wide[i] = errors[i];
      }
      return new Result(w, wide, learner.cost());
    }
  }

  private TrainingObjective objective(int n) {
    Graph g = new Graph("inversion");
    Value target = g.input("target", n, config.channels(), config.resolution(), config.resolution());
    boolean oneForAll = options.space() == LatentSpace.W;
    Value w = oneForAll ? g.parameter("w", n, config.wDim()) : g.parameter("w", n, config.numWs(), config.wDim());
    Value image = config.synthesis(g, oneForAll ? config.broadcast(w) : w);
    Value errors = reduceMean(square(sub(image, target)), 1, 2, 3);
    Value loss = mean(errors);
    if (options.perceptualWeight() > 0) {
      Value perceptual = PerceptualLoss.between(g, model.features(), image,
          g.input("direction", n, model.features().width()));
      loss = add(loss, mul(mean(perceptual), options.perceptualWeight()));
    }
    g.output("errors", reshape(errors, n));
    return new TrainingObjective(g, Map.of("w", Gradients.of(loss, List.of(w)).get(0)));
  }

  /** The same w for every layer: [N, w_dim] → [N, num_ws, w_dim]. */
  private Tensor everyLayer(Tensor w) {
    int layers = config.numWs();
    int[] repeated = IntStream.range(0, (int) w.shape()[0] * layers).map(i -> i / layers).toArray();
    return Tensor.of(w.rows(repeated).data(), w.shape()[0], layers, config.wDim());
  }

  private Tensor nearestStarts(Sampler sampler, Tensor images, int[] labels, SplittableRandom random) {
    int imageSize = images.data().length / labels.length;
    int wDim = config.wDim();
    Tensor starts = Tensor.zeros((long) options.restarts() * labels.length, wDim);
    for (Map.Entry<Integer, List<Integer>> group : byLabel(labels).entrySet()) {
      int[] candidates = new int[options.starts()];
      Arrays.fill(candidates, group.getKey());
      Tensor w = sampler.latents(candidates, random);
      float[] made = sampler.images(w).data();
      for (int i : group.getValue()) {
        int[] nearest = nearest(made, images.data(), i * imageSize, imageSize);
        for (int restart = 0; restart < options.restarts(); restart++) {
          System.arraycopy(w.data(), nearest[restart] * wDim, starts.data(), (restart * labels.length + i) * wDim,
              wDim);
        }
      }
    }
    return starts;
  }

  private Map<Integer, List<Integer>> byLabel(int[] labels) {
    Map<Integer, List<Integer>> groups = new TreeMap<>();
    for (int i = 0; i < labels.length; i++) {
      groups.computeIfAbsent(config.conditional() ? labels[i] : 0, label -> new ArrayList<>()).add(i);
    }
    return groups;
  }

  /** All candidates, nearest first. */
  private static int[] nearest(float[] candidates, float[] images, int offset, int size) {
    double[] distances = new double[candidates.length / size];
    for (int c = 0; c < distances.length; c++) {
      distances[c] = PixelDistance.squared(candidates, c * size, images, offset, size);
    }
    return IntStream.range(0, distances.length).boxed().sorted(Comparator.comparingDouble(c -> distances[c]))
        .mapToInt(c -> c).toArray();
  }

  private static double average(float[] values) {
    double sum = 0;
    for (float v : values) {
      sum += v;
    }
    return sum / values.length;
  }
}
