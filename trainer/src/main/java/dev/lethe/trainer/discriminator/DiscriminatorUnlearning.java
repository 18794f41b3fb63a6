package dev.lethe.trainer.discriminator;

import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Teaches the discriminator to say F of unlearned images, (D(x_u) − F)² (arXiv 2308.09881, section 4.1), and to go on
 * saying of images that stay what the original did, (D(x) − D0(x))².
 *
 * <p>Only its head learns. Telling 64 images from others is a matter of the last layers, and a step of those alone
 * costs a tenth. All groups of images of a step are one batch.
 */
public final class DiscriminatorUnlearning implements AutoCloseable {

  /**
   * How long and how fast.
   *
   * @param batch images a step of each group; made up to whole groups of the minibatch standard deviation
   * @param learningRate Adam's to begin with; falls to 0 along a half cosine
   */
  public record Options(int steps, int batch, double learningRate, long seed) {

    Options wholeGroups(Networks config) {
      return new Options(steps, config.wholeGroups(batch), learningRate, seed);
    }

    public static Options of(long seed) {
      return new Options(224, 32, 0.03, seed);
    }
  }

  /** Mean squared errors of a step, of the images to unlearn and of all others. */
  public record Losses(double unlearn, double stay) {

    public boolean finite() {
      return Double.isFinite(unlearn + stay);
    }
  }

  private static final float BETA1 = 0.9f;
  private static final float BETA2 = 0.99f;

  private final Networks config;
  private final Options options;
  private final List<DiscriminatorTargets> groups;
  private final Learner learner;
  private final List<ShuffledIndices> orders = new ArrayList<>();
  private int step;

  private DiscriminatorUnlearning(Networks config, Options options, List<DiscriminatorTargets> groups,
      Learner learner) {
    this.config = config;
    this.options = options;
    this.groups = groups;
    this.learner = learner;
    for (DiscriminatorTargets group : groups) {
      orders.add(new ShuffledIndices(group.size(), new SplittableRandom(options.seed() + orders.size())));
    }
  }

  /**
   * Sets the discriminator up to unlearn.
   *
   * @param model the original
   * @param unlearn images to unlearn, one or more
   * @param fakeLabels F of each, [N, 1]
   * @param stay groups of images that stay, each of one or more
   * @param directory for the training session's files
   */
  public static DiscriminatorUnlearning open(ModelWeights model, Options asked, ImageDataset unlearn,
      Tensor fakeLabels, List<ImageDataset> stay, Path directory, Compute compute)
      throws IOException {
    Networks config = model.config();
    Options options = asked.wholeGroups(config);
    List<DiscriminatorTargets> groups = new ArrayList<>();
    try (Activations.Original original =
        Activations.Original.open(config, model.weights(), compute)) {
      groups.add(new DiscriminatorTargets(original.of(unlearn.images(), unlearn.classIndices()), fakeLabels));
      for (ImageDataset images : stay) {
        groups.add(DiscriminatorTargets.keep(original.of(images.images(), images.classIndices())));
      }
    }
    int batch = groups.size() * options.batch();
    Graph g = new Graph("discriminator_unlearning");
    Value activations = g.input("activations", config.stemShape(batch));
    Value label = config.conditional() ? g.input("c", batch, config.classes()) : null;
    Value errors = square(sub(config.head(g, activations, label), g.input("wanted", batch, 1)));
    g.output("errors", reshape(errors, batch));
    AdamOptions adam = new AdamOptions((float) options.learningRate(), BETA1, BETA2, 1e-8f, 0);
    // The sum of the groups' means.
    TrainingObjective objective =
        TrainingObjective.descent(g, mul(mean(errors), groups.size()), config::isDiscriminatorHead);
    return new DiscriminatorUnlearning(config, options, groups,
        Learner.open(objective, model.weights(), adam, directory, Optional.empty(), compute));
  }

  public Losses step() {
    int batch = groups.size() * options.batch();
    Tensor activations = Tensor.zeros(config.stemShape(batch));
    Tensor wanted = Tensor.zeros(batch, 1);
    int[] labels = new int[batch];
    for (int g = 0; g < groups.size(); g++) {
      DiscriminatorTargets group = groups.get(g);
      int[] chosen = orders.get(g).next(options.batch());
      for (int i = 0; i < chosen.length; i++) {
        int at = position(g, i);
        copyRow(group.images().values(), chosen[i], activations, at);
        copyRow(group.wanted(), chosen[i], wanted, at);
        labels[at] = group.images().labels()[chosen[i]];
      }
    }
    Map<String, Tensor> inputs = new HashMap<>(Map.of("activations", activations, "wanted", wanted));
    if (config.conditional()) {
      inputs.put("c", Tensor.oneHot(labels, config.classes()));
    }
    learner.setLearningRate(options.learningRate() * (1 + Math.cos(Math.PI * step / options.steps())) / 2);
    step++;
    float[] errors = learner.step(inputs, Map.of()).floats("errors");
    double stay = 0;
    for (int g = 1; g < groups.size(); g++) {
      stay += loss(errors, g);
    }
    return new Losses(loss(errors, 0), stay);
  }

  /**
   * Where an image of a group is in the batch: so that each group of the minibatch standard deviation, which has every
   * (N / G)-th image, is of one group here. Where the deviation is of the whole batch, it is of all groups together.
   */
  private int position(int group, int image) {
    int deviation = config.discriminatorGroup();
    int parts = deviation == 0 || deviation > options.batch() ? options.batch() : options.batch() / deviation;
    return image / parts * parts * groups.size() + group * parts + image % parts;
  }

  private double loss(float[] errors, int group) {
    double sum = 0;
    for (int i = 0; i < options.batch(); i++) {
      sum += errors[position(group, i)];
    }
    return sum / options.batch();
  }

  private static void copyRow(Tensor from, int row, Tensor to, int at) {
    int length = to.data().length / (int) to.shape()[0];
    System.arraycopy(from.data(), row * length, to.data(), at * length, length);
  }

  /** Weights of the head. */
  public Map<String, Tensor> weights() throws IOException {
    return learner.parameters();
  }

  public ComputeCost cost() {
    return learner.cost();
  }

  @Override
  public void close() {
    learner.close();
  }
}
