package dev.lethe.trainer.adversarial;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.LearnerKind;
import dev.lethe.trainer.session.StepOutputs;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Trains a generator against a discriminator on a data set (Karras et al. 2020). Resumes from its directory: with the
 * same options the run goes on exactly as if it had not stopped.
 */
public final class AdversarialTrainer implements AutoCloseable {

  private static final String CHECKPOINT = "checkpoint.ort";
  private static final String STEP = "lethe.step";
  private static final String SECONDS = "lethe.seconds";

  /**
   * Losses of one step.
   *
   * @param step from 1
   * @param realLogit mean output of the discriminator on real images
   */
  public record Losses(long step, double generator, double discriminator, double r1, double realLogit) {}

  private final AdversarialOptions options;
  private final Map<String, Tensor> initial;
  private final Learner learner;
  private final Path checkpoint;
  private final AdversarialInputs inputs;
  private final double emaDecay;
  private CompletableFuture<AdversarialInputs.Step> next;
  private long step;
  private double seconds;

  private AdversarialTrainer(AdversarialOptions options, Map<String, Tensor> initial, Learner learner, Path checkpoint,
      AdversarialInputs inputs, boolean resumed) {
    this.options = options;
    this.initial = initial;
    this.learner = learner;
    this.checkpoint = checkpoint;
    this.inputs = inputs;
    this.emaDecay = Math.pow(0.5, options.batch() / (options.emaKimg() * 1000));
    this.step = resumed ? (long) learner.number(STEP) : 0;
    this.seconds = resumed ? learner.number(SECONDS) : 0;
    this.next = prepare();
  }

  /** The same with a learner of the {@linkplain LearnerKind#usual usual} kind. */
  public static AdversarialTrainer open(Networks networks, AdversarialOptions options, ImageDataset data,
      Map<String, Tensor> initial, Path directory, Compute compute) throws IOException {
    return open(networks, options, data, initial, directory, LearnerKind.usual(), compute);
  }

  /**
   * Opens a run in a directory, or goes on with the one that is there.
   *
   * @param networks of StyleGAN2, with a discriminator
   * @param initial weights of both networks to start a new run from
   * @param kind of the learner; a run may go on with another than it began with
   * @throws IllegalArgumentException if data and networks do not fit together, the run in the directory is one of
   *     other networks, or the networks are not StyleGAN2's
   * @throws IOException if the directory cannot be written, or its checkpoint not be read
   */
  public static AdversarialTrainer open(Networks networks, AdversarialOptions options, ImageDataset data,
      Map<String, Tensor> initial, Path directory, LearnerKind kind, Compute compute)
      throws IOException {
    return open(networks, options, data, Optional.empty(), initial, directory, kind, compute);
  }

  /**
   * The same with images that the generator is to draw no more.
   *
   * @param unwanted of the same size and classes as the data
   */
  public static AdversarialTrainer open(Networks networks, AdversarialOptions options, ImageDataset data,
      Optional<Unwanted> unwanted, Map<String, Tensor> initial, Path directory, LearnerKind kind, Compute compute)
      throws IOException {
    if (!(networks instanceof StyleGan2Config config)) {
      throw new IllegalArgumentException("only StyleGAN2 can be trained against a discriminator; these networks are "
          + "others: "
          + networks);
    }
    requireFit(config, data);
    unwanted.ifPresent(images -> requireFit(config, images.images()));
    Files.createDirectories(directory);
    Path checkpoint = directory.resolve(CHECKPOINT);
    boolean resumed = Files.exists(checkpoint);
    AdamOptions adam = new AdamOptions((float) options.learningRate(), 0, 0.99f, 1e-8f, 0);
    Learner learner = Learner.open(kind, AdversarialGraph.build(config, options, unwanted), initial, adam,
        directory.resolve("session"), resumed ? Optional.of(checkpoint) : Optional.empty(), compute);
    return new AdversarialTrainer(options, initial, learner, checkpoint,
        new AdversarialInputs(config, options, data, unwanted),
        resumed);
  }

  /** Multiply-add pairs of matrix products and convolutions that a step takes on average: R1 is not in each. */
  public static double multiplyAdds(StyleGan2Config config, AdversarialOptions options) {
    TrainingObjective step = AdversarialGraph.build(config, options, Optional.empty());
    double plain = step.multiplyAdds(
        Map.of(AdversarialGraph.DISCRIMINATE, true, AdversarialGraph.REGULARIZE, false));
    double regularized = step.multiplyAdds(
        Map.of(AdversarialGraph.DISCRIMINATE, true, AdversarialGraph.REGULARIZE, true));
    return plain + (regularized - plain) / options.r1Interval()
        + step.multiplyAdds(Map.of(AdversarialGraph.DISCRIMINATE, false));
  }

  private static void requireFit(StyleGan2Config config, ImageDataset data) {
    if (data.size() == 0) {
      throw new IllegalArgumentException("there are no images to train on");
    }
    if (data.resolution() != config.resolution() || data.channels() != config.channels()) {
      throw new IllegalArgumentException("the images are " + data.channels() + "x" + data.resolution() + "x"
          + data.resolution() + ", the networks " + config.channels() + "x" + config.resolution() + "x"
          + config.resolution());
    }
    if (config.conditional() && config.classes() != data.labels().size()) {
      throw new IllegalArgumentException("the data set has " + data.labels().size() + " classes, the networks "
          + config.classes());
    }
  }

  /** Steps done, those of earlier runs included. */
  public long steps() {
    return step;
  }

  /** Seconds spent in steps, those of earlier runs included. */
  public double seconds() {
    return seconds;
  }

  /** Thousands of real images shown. */
  public double kimg() {
    return step * options.batch() / 1000.0;
  }

  /**
   * One step of the discriminator, then one of the generator.
   *
   * @throws DivergedException if a loss is not finite; the last checkpoint is good
   */
  public Losses step() {
    long started = System.nanoTime();
    AdversarialInputs.Step inputs = next.join();
    boolean regularize = step % options.r1Interval() == 0;
    step++;
    next = prepare();
    learner.setLearningRate(options.learningRate(step));
    learner.setAverageRate(0);
    StepOutputs discriminator = learner.step(inputs.discriminator(),
        Map.of(AdversarialGraph.DISCRIMINATE, true, AdversarialGraph.REGULARIZE, regularize));
    // The average follows the weights closely at first, as the reference's ramp-up does.
    learner.setAverageRate(1 - Math.min(emaDecay, step / (step + 9.0)));
    StepOutputs generator = learner.step(inputs.generator(), Map.of(AdversarialGraph.DISCRIMINATE, false));
    seconds += (System.nanoTime() - started) / 1e9;
    Losses losses = new Losses(step, generator.scalar("loss"), discriminator.scalar("loss"),
        discriminator.scalar("r1_loss"), discriminator.scalar("real_logit"));
    if (!Double.isFinite(losses.generator() + losses.discriminator() + losses.r1())) {
      throw new DivergedException(losses.toString());
    }
    return losses;
  }

  /** A loss or a weight is not finite. */
  public static final class DivergedException extends RuntimeException {

    private static final long serialVersionUID = 1;

    DivergedException(String what) {
      super("training diverged: " + what + "; lower the learning rate or raise gamma, and go on from the last "
          + "checkpoint");
    }
  }

  // While one step runs, another thread draws the inputs of the next.
  private CompletableFuture<AdversarialInputs.Step> prepare() {
    long number = step;
    return CompletableFuture.supplyAsync(() -> inputs.at(number));
  }

  /**
   * Writes the checkpoint that {@link #open} goes on from.
   *
   * @throws DivergedException if a weight is not finite; the checkpoint stays as it was
   */
  public void save() throws IOException {
    // The losses of a step are those before its update, so the update that spoils the weights may have been the last.
    learner.parameters().forEach((name, tensor) -> {
      for (float value : tensor.data()) {
        if (!Float.isFinite(value)) {
          throw new DivergedException("after step " + step + " " + name + " has the value " + value);
        }
      }
    });
    learner.setNumber(STEP, step);
    learner.setNumber(SECONDS, seconds);
    learner.save(checkpoint);
  }

  /**
   * Weights of both networks: the generator's are the moving average, the discriminator's as they are, and what is not
   * trained as it was to begin with.
   */
  public Map<String, Tensor> weights() throws IOException {
    Map<String, Tensor> weights = new HashMap<>(initial);
    weights.putAll(learner.averages());
    return weights;
  }

  @Override
  public void close() {
    next.join();
    learner.close();
  }
}
