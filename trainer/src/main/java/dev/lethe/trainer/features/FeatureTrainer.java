package dev.lethe.trainer.features;

import static dev.lethe.models.graph.Ops.logSoftmax;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.neg;
import static dev.lethe.models.graph.Ops.reduceSum;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** Trains a {@link FeatureNetwork} as a classifier: cross-entropy on randomly shifted images. */
public final class FeatureTrainer {

  /**
   * @param epochs passes over the data
   * @param batch images a step
   * @param learningRate Adam's; falls to 0 along a half cosine
   * @param shift most pixels that an image is moved by, each way
   * @param seed of every random draw
   */
  public record Options(double epochs, int batch, double learningRate, int shift, long seed) {

    public Options {
      if (!(epochs > 0) || batch < 1 || !(learningRate > 0) || shift < 0) {
        throw new IllegalArgumentException("training a classifier needs epochs, batch and learning rate above 0, and a "
            + "shift of 0 or more");
      }
    }
  }

  /** Told of each step, from 1. */
  public interface Progress {
    void step(long step, long steps, double loss);
  }

  private FeatureTrainer() {}

  /**
   * Trains from random weights. Equal arguments give equal weights, but for rounding on other hardware or with another
   * number of threads.
   *
   * @param size of the network
   * @param data with 2 classes or more
   * @param directory for the training session's files
   * @return weights of the network by parameter name
   * @throws IllegalArgumentException if there are no images, or no classes to tell apart
   */
  public static Map<String, Tensor> train(FeatureNetwork.Size size, ImageDataset data, Options options, Path directory,
      Compute compute, Progress progress) throws IOException {
    if (data.size() == 0 || data.classes() < 2) {
      throw new IllegalArgumentException("a classifier is trained on images of 2 classes or more; these are "
          + data.size() + " images of " + data.classes() + " classes");
    }
    FeatureNetwork network = new FeatureNetwork(data.resolution(), data.channels(), data.classes(), size);
    AdamOptions adam = new AdamOptions((float) options.learningRate(), 0.9f, 0.999f, 1e-8f, 0);
    long steps = Math.max(1, Math.round(options.epochs() * data.size() / options.batch()));
    RandomShift shift = new RandomShift(options.shift());
    int[] order = {};
    try (Learner learner = Learner.open(problem(network, options.batch()), network.initialize(options.seed()), adam,
        directory, Optional.empty(), compute)) {
      SplittableRandom random = new SplittableRandom(options.seed());
      int at = 0;
      for (long step = 0; step < steps; step++) {
        int[] indices = new int[options.batch()];
        for (int i = 0; i < indices.length; i++) {
          if (at == order.length) {
            order = shuffled(data.size(), random);
            at = 0;
          }
          indices[i] = order[at++];
        }
        learner.setLearningRate(options.learningRate() * (1 + Math.cos(Math.PI * step / steps)) / 2);
        Map<String, Tensor> inputs = Map.of("image", shift.apply(data.images(indices), random),
            "c", data.oneHot(indices));
        progress.step(step + 1, steps, learner.step(inputs, Map.of()).scalar("loss"));
      }
      return learner.parameters();
    }
  }

  private static TrainingObjective problem(FeatureNetwork network, int batch) {
    Graph g = new Graph("classifier");
    Value image = g.input("image", batch, network.channels(), network.resolution(), network.resolution());
    Value c = g.input("c", batch, network.classes());
    Value loss = neg(mean(reduceSum(mul(c, logSoftmax(network.apply(g, image).logits())), 1)));
    g.output("loss", loss);
    return TrainingObjective.descent(g, loss, name -> true);
  }

  private static int[] shuffled(int size, SplittableRandom random) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
