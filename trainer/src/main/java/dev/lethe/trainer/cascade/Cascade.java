package dev.lethe.trainer.cascade;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.architecture.Networks;
import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.Compute;
import dev.lethe.trainer.adversarial.GanLosses;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.data.ImageDataset;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.metrics.DiscriminatorScores;
import dev.lethe.trainer.model.ModelWeights;
import dev.lethe.trainer.sampling.ShuffledIndices;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.ComputeCost;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.StepOutputs;
import dev.lethe.trainer.session.TrainingObjective;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Cascaded unlearning as the paper has it (arXiv 2308.09881, algorithm 1): in every iteration an unlearning phase,
 * λ1 ‖G(w_u) − S(x_u)‖ + λ2 ‖φ(G(w_u)) − φ(S(x_u))‖² and (D(x_u) − F)², and then a learning phase: few-shot by the
 * adversarial losses on learning images; zero-shot by the original networks as teachers, ‖G(w) − G0(w)‖ and
 * (D(G0(w)) − D0(G0(w)))². All of the discriminator and of the synthesis network learn; the mapping network does not,
 * so that latents keep their meaning. The norm of pixels is the mean absolute error.
 */
public final class Cascade implements AutoCloseable {

  private static final String UNLEARN = "unlearn";

  /** Losses of one iteration. */
  public record Losses(double unlearnGenerator, double learnGenerator, double unlearnDiscriminator,
      double learnDiscriminator) {

    /** Whether every loss is a number. */
    public boolean finite() {
      return Double.isFinite(unlearnGenerator + unlearnDiscriminator + learnGenerator + learnDiscriminator);
    }
  }

  private final Networks config;
  private final CascadeOptions options;
  private final Targets targets;
  private final Teacher teacher;
  private final Tensor teacherLogits;
  private final Optional<ImageDataset> learn;
  private final Tensor substituteDirections;
  private final Learner learner;
  private final ShuffledIndices imageOrder;
  private final ShuffledIndices latentOrder;
  private final ShuffledIndices teacherOrder;
  private final ShuffledIndices learnOrder;

  private Cascade(ModelWeights model, CascadeOptions options, Targets targets, Teacher teacher, Tensor teacherLogits,
      Optional<ImageDataset> learn, Tensor substituteDirections, Learner learner) {
    SplittableRandom rng = new SplittableRandom(options.seed());
    this.config = model.config();
    this.options = options;
    this.targets = targets;
    this.teacher = teacher;
    this.teacherLogits = teacherLogits;
    this.learn = learn;
    this.substituteDirections = substituteDirections;
    this.learner = learner;
    this.imageOrder = new ShuffledIndices(targets.labels().length, rng.split());
    this.latentOrder = new ShuffledIndices((int) targets.latents().shape()[0], rng.split());
    this.teacherOrder = new ShuffledIndices(teacher.size(), rng.split());
    this.learnOrder = new ShuffledIndices(learn.map(ImageDataset::size).orElse(1), rng.split());
  }

  /**
   * Sets both networks up to unlearn.
   *
   * @param model the original
   * @param targets at least one image and one latent
   * @param teacher what the original makes of random latents
   * @param learn learning images of the few-shot mode, one or more; empty for the zero-shot mode
   * @param directory for the training session's files
   */
  public static Cascade open(ModelWeights model, CascadeOptions options, Targets targets, Teacher teacher,
      Optional<ImageDataset> learn, Path directory, Compute compute) throws IOException {
    Tensor directions =
        PerceptualLoss.directions(model, targets.substitutes(), compute);
    Tensor logits;
    try (DiscriminatorScores scores = DiscriminatorScores.open(model.config(), model.weights(), compute)) {
      logits = Tensor.of(scores.of(teacher.images(), teacher.labels()), teacher.size(), 1);
    }
    AdamOptions adam = new AdamOptions((float) options.learningRate(), CascadeOptions.BETA1, CascadeOptions.BETA2,
        1e-8f, 0);
    return new Cascade(model, options, targets, teacher, logits, learn, directions,
        Learner.open(objective(model, options, learn.isPresent()), model.weights(), adam, directory, Optional.empty(),
            compute));
  }

  /** Both phases in one graph, so that they share parameters and optimizer; a flag says which of them a step is. */
  private static TrainingObjective objective(ModelWeights model, CascadeOptions options, boolean fewShot) {
    Networks config = model.config();
    int n = options.batch();
    long[] images = {n, config.channels(), config.resolution(), config.resolution()};
    Graph g = new Graph("cascade");
    Value unlearn = g.input(UNLEARN, DataType.BOOL, 1);
    // Of the images to unlearn, or of those that stay.
    Value w = g.input("w", n, config.wDim());
    Value wanted = g.input("wanted_image", images);
    Value directions = g.input("wanted_direction", n, model.features().width());
    Value judged = g.input("judged_image", images);
    Value judgement = g.input("wanted_logit", n, 1);
    Value c = config.conditional() ? g.input("c", n, config.classes()) : null;
    Value judgedC = config.conditional() ? g.input("judged_c", n, config.classes()) : null;
    // Declared before the branches, for both to see the same.
    config.parameters().forEach(g::parameter);
    model.features().graph().parameters().forEach((name, value) -> g.parameter(name, value.shape()));
    List<Value> generator = g.parameters().values().stream().filter(p -> config.isSynthesis(p.name())).toList();
    List<Value> discriminator =
        g.parameters().values().stream().filter(p -> config.isDiscriminator(p.name())).toList();

    Value made = config.synthesis(g, config.broadcast(w));
    Value logits = config.logits(g, judged, judgedC);
    Value pixels = mul(mean(abs(sub(made, wanted))), options.lambda1());
    Value agreement = mean(square(sub(logits, judgement)));
    List<Value> values = g.branch(unlearn, () -> {
      Value loss = add(pixels,
          mul(mean(PerceptualLoss.between(g, model.features(), made, directions)), options.lambda2()));
      return gradients(loss, generator, agreement, discriminator);
    }, () -> {
      if (!fewShot) {
        return gradients(pixels, generator, agreement, discriminator);
      }
      Value madeLogits = config.logits(g, made, c);
      return gradients(GanLosses.generator(madeLogits), generator, GanLosses.discriminator(logits, madeLogits),
          discriminator);
    });
    g.output("generator_loss", values.get(0));
    g.output("discriminator_loss", values.get(1));
    Map<String, Value> gradients = new LinkedHashMap<>();
    List<Value> parameters = new ArrayList<>(generator);
    parameters.addAll(discriminator);
    for (int i = 0; i < parameters.size(); i++) {
      gradients.put(parameters.get(i).name(), values.get(i + 2));
    }
    return new TrainingObjective(g, gradients);
  }

  private static List<Value> gradients(Value generatorLoss, List<Value> generator, Value discriminatorLoss,
      List<Value> discriminator) {
    List<Value> values = new ArrayList<>(List.of(generatorLoss, discriminatorLoss));
    values.addAll(Gradients.of(generatorLoss, generator));
    values.addAll(Gradients.of(discriminatorLoss, discriminator));
    return values;
  }

  /** One iteration: a step of both networks to unlearn, then one to learn again. */
  public Losses iterate() {
    int n = options.batch();
    int[] latents = latentOrder.next(n);
    int[] images = imageOrder.next(n);
    StepOutputs unlearned = step(true, targets.latents().rows(latents), targets.substitutes().rows(latents),
        substituteDirections.rows(latents), new int[n], targets.images().rows(images),
        targets.fakeLabels().rows(images), labels(targets.labels(), images));
    int[] stay = teacherOrder.next(n);
    StepOutputs learned;
    if (learn.isPresent()) {
      int[] real = learnOrder.next(n);
      learned = step(false, teacher.latents().rows(stay), teacher.images().rows(stay),
          teacher.directions().rows(stay), labels(teacher.labels(), stay), learn.get().images(real),
          Tensor.zeros(n, 1), labels(learn.get().classIndices(), real));
    } else {
      learned = step(false, teacher.latents().rows(stay), teacher.images().rows(stay),
          teacher.directions().rows(stay), labels(teacher.labels(), stay), teacher.images().rows(stay),
          teacherLogits.rows(stay), labels(teacher.labels(), stay));
    }
    return new Losses(unlearned.scalar("generator_loss"), learned.scalar("generator_loss"),
        unlearned.scalar("discriminator_loss"), learned.scalar("discriminator_loss"));
  }

  private StepOutputs step(boolean unlearn, Tensor w, Tensor wanted, Tensor directions, int[] labels, Tensor judged,
      Tensor judgement, int[] judgedLabels) {
    Map<String, Tensor> inputs = new HashMap<>(Map.of("w", w, "wanted_image", wanted, "wanted_direction", directions,
        "judged_image", judged, "wanted_logit", judgement));
    if (config.conditional()) {
      inputs.put("c", Tensor.oneHot(labels, config.classes()));
      inputs.put("judged_c", Tensor.oneHot(judgedLabels, config.classes()));
    }
    return learner.step(inputs, Map.of(UNLEARN, unlearn));
  }

  private static int[] labels(int[] all, int[] chosen) {
    int[] labels = new int[chosen.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = all[chosen[i]];
    }
    return labels;
  }

  /** Present weights of what learns, by parameter name. */
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
