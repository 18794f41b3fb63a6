package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
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
import dev.lethe.trainer.session.StepOutputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The discriminator's half of the cascade: it minimises (D(x_u) − F)² and the loss of the learning phase. Only its head
 * learns. Telling 64 images from others is a matter of the last layers, and a step of those alone costs a tenth.
 */
final class DiscriminatorUnlearning implements AutoCloseable {

  private static final String UNLEARNED = "unlearned";
  private static final String FAKE_LABEL = "fake_label";

  /** Losses of one step. */
  record Losses(double unlearn, double learn) {}

  private final StyleGan2Config config;
  private final CascadeOptions options;
  private final Activations unlearned;
  private final Tensor fakeLabels;
  private final LearningPhase learning;
  private final Learner learner;
  private final Deck deck;

  private DiscriminatorUnlearning(StyleGan2Config config, CascadeOptions options, Activations unlearned,
      Tensor fakeLabels, LearningPhase learning, Learner learner) {
    this.config = config;
    this.options = options;
    this.unlearned = unlearned;
    this.fakeLabels = fakeLabels;
    this.learning = learning;
    this.learner = learner;
    this.deck = new Deck(unlearned.size(), new SplittableRandom(options.seed()));
  }

  /**
   * @param fakeLabels F of each unlearned image, [N, 1]
   * @param directory for the training session's files
   */
  static DiscriminatorUnlearning open(StyleGan2Config config, Map<String, Tensor> weights, CascadeOptions options,
      Activations unlearned, Tensor fakeLabels, LearningPhase learning, Path directory, ExecutionDevice device,
      int threads) throws IOException {
    Graph g = new Graph("discriminator_unlearning");
    Head head = new Head(g, config, options.batch());
    Value unlearn = mean(square(sub(head.logits(UNLEARNED), g.input(FAKE_LABEL, options.batch(), 1))));
    Value learn = learning.loss(head);
    g.output("unlearn_loss", unlearn);
    g.output("learn_loss", learn);
    AdamOptions adam =
        new AdamOptions((float) options.learningRate(), CascadeOptions.BETA1, CascadeOptions.BETA2, 1e-8f, 0);
    Learner learner = Learner.open(Learner.Problem.descent(g, add(unlearn, learn), Discriminator::inHead), weights,
        adam, directory, Optional.empty(), device, threads);
    return new DiscriminatorUnlearning(config, options, unlearned, fakeLabels, learning, learner);
  }

  /** @param iteration of the cascade, from 0 */
  Losses step(int iteration) {
    Map<String, Tensor> inputs = new HashMap<>();
    int[] hand = deck.deal(options.batch());
    Head.put(inputs, UNLEARNED, config, unlearned.take(hand));
    inputs.put(FAKE_LABEL, fakeLabels.rows(hand));
    learning.next(inputs);
    learner.setLearningRate(options.learningRate() * options.decay(iteration));
    StepOutputs outputs = learner.step(inputs, Map.of());
    return new Losses(outputs.scalar("unlearn_loss"), outputs.scalar("learn_loss"));
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
