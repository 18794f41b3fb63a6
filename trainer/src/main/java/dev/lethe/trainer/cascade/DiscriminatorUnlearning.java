package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Effort;
import dev.lethe.trainer.session.Learner;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The discriminator's half of the cascade. Its unlearning phase is the paper's, (D(x_u) − F)². In the learning phase it is
 * to go on thinking of images that stay what the original did, (D(x) − D0(x))²: for zero-shot learning of what the
 * original generator makes, as in arXiv 2308.09881, section 4.2; for few-shot learning of the k learning images as well.
 * The paper gives these to the adversarial loss, which lets the head move as it likes: the unlearned images are told from
 * the others less well, and a discriminator that had learned its training images by heart forgets those that stay too.
 *
 * <p>Only its head learns. Telling 64 images from others is a matter of the last layers, and a step of those alone costs
 * a tenth. All lessons of a step are one batch.
 */
final class DiscriminatorUnlearning implements AutoCloseable {

  /** Losses of one step. */
  record Losses(double unlearn, double learn) {}

  private final StyleGan2Config config;
  private final CascadeOptions options;
  private final List<Lesson> lessons;
  private final Learner learner;
  private final List<Deck> decks = new ArrayList<>();

  private DiscriminatorUnlearning(StyleGan2Config config, CascadeOptions options, List<Lesson> lessons,
      Learner learner) {
    this.config = config;
    this.options = options;
    this.lessons = List.copyOf(lessons);
    this.learner = learner;
    for (Lesson lesson : lessons) {
      decks.add(new Deck(lesson.size(), new SplittableRandom(options.seed() + decks.size())));
    }
  }

  /**
   * @param lessons images to unlearn first, then those that stay
   * @param directory for the training session's files
   */
  static DiscriminatorUnlearning open(StyleGan2Config config, Map<String, Tensor> weights, CascadeOptions options,
      List<Lesson> lessons, Path directory, ExecutionDevice device, int threads) throws IOException {
    int batch = lessons.size() * options.batch();
    Graph g = new Graph("discriminator_unlearning");
    Value activations = g.input("activations", Discriminator.stemShape(config, batch));
    Value label = config.conditional() ? g.input("c", batch, config.classes()) : null;
    Value errors =
        square(sub(Discriminator.head(g, config, activations, label), g.input("wanted", batch, 1)));
    g.output("errors", reshape(errors, batch));
    AdamOptions adam =
        new AdamOptions((float) options.learningRate(), CascadeOptions.BETA1, CascadeOptions.BETA2, 1e-8f, 0);
    // The sum of the lessons' means.
    Learner.Problem problem =
        Learner.Problem.descent(g, mul(mean(errors), lessons.size()), Discriminator::inHead);
    Learner learner = Learner.open(problem, weights, adam, directory, Optional.empty(), device, threads);
    return new DiscriminatorUnlearning(config, options, lessons, learner);
  }

  /** @param iteration of the cascade, from 0 */
  Losses step(int iteration) {
    int batch = lessons.size() * options.batch();
    Tensor activations = Tensor.zeros(Discriminator.stemShape(config, batch));
    Tensor wanted = Tensor.zeros(batch, 1);
    int[] labels = new int[batch];
    for (int l = 0; l < lessons.size(); l++) {
      Lesson lesson = lessons.get(l);
      int[] hand = decks.get(l).deal(options.batch());
      for (int i = 0; i < hand.length; i++) {
        int at = position(l, i);
        copyRow(lesson.images().values(), hand[i], activations, at);
        copyRow(lesson.wanted(), hand[i], wanted, at);
        labels[at] = lesson.images().labels()[hand[i]];
      }
    }
    Map<String, Tensor> inputs = new HashMap<>(Map.of("activations", activations, "wanted", wanted));
    if (config.conditional()) {
      inputs.put("c", Tensor.oneHot(labels, config.classes()));
    }
    learner.setLearningRate(options.learningRate() * options.decay(iteration));
    float[] errors = learner.step(inputs, Map.of()).floats("errors");
    double learn = 0;
    for (int l = 1; l < lessons.size(); l++) {
      learn += loss(errors, l);
    }
    return new Losses(loss(errors, 0), learn);
  }

  /**
   * Where an image of a lesson is in the batch: so that each group of the minibatch standard deviation, which has every
   * (N / 4)-th image, is of one lesson.
   */
  private int position(int lesson, int image) {
    int groups = options.batch() / StyleGan2Config.MBSTD_GROUP;
    return image / groups * groups * lessons.size() + lesson * groups + image % groups;
  }

  private double loss(float[] errors, int lesson) {
    double sum = 0;
    for (int i = 0; i < options.batch(); i++) {
      sum += errors[position(lesson, i)];
    }
    return sum / options.batch();
  }

  private static void copyRow(Tensor from, int row, Tensor to, int at) {
    int length = to.data().length / (int) to.shape()[0];
    System.arraycopy(from.data(), row * length, to.data(), at * length, length);
  }

  /** Weights of the head. */
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
