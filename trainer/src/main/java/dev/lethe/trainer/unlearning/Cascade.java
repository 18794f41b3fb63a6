package dev.lethe.trainer.unlearning;

import static dev.lethe.models.graph.Ops.abs;
import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mean;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.square;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.Generator;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.features.PerceptualLoss;
import dev.lethe.trainer.session.AdamOptions;
import dev.lethe.trainer.session.Learner;
import dev.lethe.trainer.session.StepOutputs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * Cascaded unlearning (arXiv 2308.09881, algorithm 1): in every iteration an unlearning phase, then a learning phase. Both
 * are branches of one training graph, so they share parameters and Adam's moments. Their gradients add up to one update:
 * with an update each, the phases pull the discriminator's bias to and fro and it hardly learns what sets the unlearned
 * images apart.
 *
 * <p>Unlearning phase: the generator minimises λ1 mean |G(w_u) − S(x_u)| + λ2 · perceptual distance, the discriminator
 * (D(x_u) − F)². The paper leaves the norm of the pixel loss open; the mean absolute difference is our choice.
 */
final class Cascade implements AutoCloseable {

  private static final String UNLEARN = "unlearn";
  private static final String ORIGINAL = "original:";
  private static final String CHANGE = "change:";
  private static final double AVERAGE_HORIZON = 10;

  /**
   * Images to unlearn and what replaces them.
   *
   * @param images x_u, [N, C, H, W]
   * @param labels class of each
   * @param latents w_u, [N, w_dim]
   * @param substitutes S(x_u), [N, C, H, W]
   */
  record Targets(Tensor images, int[] labels, Tensor latents, Tensor substitutes) {}

  /** Losses of one iteration. */
  record Losses(double unlearnGenerator, double unlearnDiscriminator, double learnGenerator,
      double learnDiscriminator) {

    boolean finite() {
      return Double.isFinite(unlearnGenerator + unlearnDiscriminator + learnGenerator + learnDiscriminator);
    }
  }

  private final StyleGan2Config config;
  private final CascadeOptions options;
  private final Targets targets;
  private final LearningPhase learning;
  private final Map<String, Tensor> original;
  private final Learner learner;
  private int iteration;

  private Cascade(StyleGan2Config config, CascadeOptions options, Targets targets, LearningPhase learning,
      Map<String, Tensor> original, Learner learner) {
    this.original = original;
    this.config = config;
    this.options = options;
    this.targets = targets;
    this.learning = learning;
    this.learner = learner;
  }

  /**
   * @param weights of both networks and the feature network, by parameter name
   * @param directory for the training session's files
   */
  static Cascade open(StyleGan2Config config, FeatureNetwork features, CascadeOptions options, Targets targets,
      LearningPhase learning, Map<String, Tensor> weights, Path directory, ExecutionDevice device, int threads)
      throws IOException {
    AdamOptions adam = new AdamOptions((float) options.learningRate(), 0.9f, 0.99f, 1e-8f, 0);
    Map<String, Tensor> parameters = new HashMap<>(weights);
    weights.forEach((name, tensor) -> {
      parameters.put(ORIGINAL + name, tensor);
      parameters.put(CHANGE + name, Tensor.zeros(tensor.shape()));
    });
    Learner learner = Learner.open(problem(config, features, options, learning), parameters, adam, directory,
        Optional.empty(), device, threads);
    return new Cascade(config, options, targets, learning, weights, learner);
  }

  private static Learner.Problem problem(StyleGan2Config config, FeatureNetwork features, CascadeOptions options,
      LearningPhase learning) {
    Graph g = new Graph("cascade");
    int n = options.batch();
    Value unlearn = g.input(UNLEARN, DataType.BOOL, 1);
    Value image = g.input("u.image", n, config.channels(), config.resolution(), config.resolution());
    Value label = config.conditional() ? g.input("u.c", n, config.classes()) : null;
    Value latent = g.input("u.w", n, config.wDim());
    Value substitute = g.input("u.substitute", n, config.channels(), config.resolution(), config.resolution());
    learning.declareInputs(g);
    List<Value> generator = declare(g, config, "G.", options.generatorRate());
    List<Value> discriminator = declare(g, config, "D.", 1);

    List<Value> values = g.branch(unlearn, () -> {
      Value made = Generator.synthesis(g, config, Generator.broadcast(config, latent), Noise.constant());
      Value pixels = mean(abs(sub(made, substitute)));
      Value perceptual =
          PerceptualLoss.between(g, features, made, PerceptualLoss.directions(g, features, substitute));
      Value generatorLoss = add(mul(pixels, options.lambda1()), mul(perceptual, options.lambda2()));
      Value logits = Discriminator.logits(g, config, image, label);
      Value discriminatorLoss = mean(square(add(logits, -options.fakeLabel())));
      return lossesAndGradients(generatorLoss, generator, discriminatorLoss, discriminator);
    }, () -> {
      LearningPhase.Losses losses = learning.losses(g);
      return lossesAndGradients(losses.generator(), generator, losses.discriminator(), discriminator);
    });

    Map<String, Value> gradients = new LinkedHashMap<>();
    for (int i = 0; i < generator.size() + discriminator.size(); i++) {
      Value parameter = i < generator.size() ? generator.get(i) : discriminator.get(i - generator.size());
      gradients.put(parameter.name(), values.get(i + 2));
    }
    g.output("g_loss", values.get(0));
    g.output("d_loss", values.get(1));
    Set<String> averaged = generator.stream().map(Value::name).collect(Collectors.toSet());
    return new Learner.Problem(g, gradients, averaged);
  }

  private static List<Value> lossesAndGradients(Value generatorLoss, List<Value> generator, Value discriminatorLoss,
      List<Value> discriminator) {
    List<Value> values = new ArrayList<>(List.of(generatorLoss, discriminatorLoss));
    values.addAll(Gradients.of(generatorLoss, generator));
    values.addAll(Gradients.of(discriminatorLoss, discriminator));
    return values;
  }

  /**
   * Adam's step does not depend on the scale of gradients, and ONNX Runtime knows one learning rate, so that a network
   * learns at another rate by learning the change of its parameters in other units: p = p0 + rate · change. Declared
   * before the branches, for both to see the same.
   */
  private static List<Value> declare(Graph g, StyleGan2Config config, String prefix, double rate) {
    List<Value> changes = new ArrayList<>();
    Weights.shapes(config).forEach((name, shape) -> {
      if (name.startsWith(prefix) && Generator.isTrainable(name)) {
        Value change = g.parameter(CHANGE + name, shape);
        g.express(name, add(g.parameter(ORIGINAL + name, shape), mul(change, rate)));
        changes.add(change);
      }
    });
    return changes;
  }

  /** One iteration: an unlearning step, then a learning step. */
  Losses iterate() {
    // Both phases' inputs are there in every step; the branch reads its own.
    Map<String, Tensor> inputs = unlearningInputs();
    inputs.putAll(learning.inputs(iteration));
    learner.setLearningRate(options.learningRate() * (1 + Math.cos(Math.PI * iteration / options.iterations())) / 2);
    learner.setAverageRate(0);
    StepOutputs unlearned = learner.accumulate(inputs, Map.of(UNLEARN, true));
    learner.setAverageRate(Math.max(1 / AVERAGE_HORIZON, 1.0 / (iteration + 1)));
    StepOutputs learned = learner.accumulate(Map.of(), Map.of(UNLEARN, false));
    learner.update();
    iteration++;
    return new Losses(unlearned.scalar("g_loss"), unlearned.scalar("d_loss"), learned.scalar("g_loss"),
        learned.scalar("d_loss"));
  }

  // Walks through the images in a new order each time round, so that all are unlearned equally.
  private Map<String, Tensor> unlearningInputs() {
    int n = options.batch();
    int all = targets.labels().length;
    int[] chosen = new int[n];
    for (int i = 0; i < n; i++) {
      long position = (long) iteration * n + i;
      chosen[i] = order((int) (position / all), all)[(int) (position % all)];
    }
    Map<String, Tensor> inputs = new HashMap<>();
    inputs.put("u.image", rows(targets.images(), chosen));
    inputs.put("u.w", rows(targets.latents(), chosen));
    inputs.put("u.substitute", rows(targets.substitutes(), chosen));
    if (config.conditional()) {
      Tensor c = Tensor.zeros(n, config.classes());
      for (int i = 0; i < n; i++) {
        c.data()[i * config.classes() + targets.labels()[chosen[i]]] = 1;
      }
      inputs.put("u.c", c);
    }
    return inputs;
  }

  private int[] order(int round, int size) {
    SplittableRandom random = new SplittableRandom(options.seed() * 31 + round);
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  private static Tensor rows(Tensor of, int[] indices) {
    long[] shape = of.shape().clone();
    int size = of.data().length / (int) shape[0];
    shape[0] = indices.length;
    Tensor rows = Tensor.zeros(shape);
    for (int i = 0; i < indices.length; i++) {
      System.arraycopy(of.data(), indices[i] * size, rows.data(), i * size, size);
    }
    return rows;
  }

  /** Weights of both networks after the iterations so far; the generator's are their moving average. */
  Map<String, Tensor> weights() throws IOException {
    Map<String, Tensor> weights = new HashMap<>();
    learner.averages().forEach((changeName, change) -> {
      String name = changeName.substring(CHANGE.length());
      double rate = name.startsWith("G.") ? options.generatorRate() : 1;
      Tensor moved = Tensor.of(original.get(name).data().clone(), change.shape());
      for (int i = 0; i < moved.data().length; i++) {
        moved.data()[i] += (float) (rate * change.data()[i]);
      }
      weights.put(name, moved);
    });
    return weights;
  }

  @Override
  public void close() {
    learner.close();
  }
}
