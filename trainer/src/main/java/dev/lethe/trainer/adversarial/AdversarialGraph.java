package dev.lethe.trainer.adversarial;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Ops;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.GeneratorNetwork;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.models.stylegan2.Weights;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.session.TrainingObjective;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Both steps of adversarial training as one graph, so that they share parameters and optimizer: a branch chooses
 * whether the discriminator or the generator learns; a branch within, whether R1 applies. A network that does not learn
 * in a step gets gradients of 0, which leave it as it is, Adam's β1 being 0.
 *
 * <p>The networks learn in turn. Learning at once from one shared pass would save a sixth of the arithmetic, but was
 * seen to go round in circles on MNIST: each network chases the other's last position.
 */
final class AdversarialGraph {

  /** Input, bool [1]: the discriminator learns, not the generator. */
  static final String DISCRIMINATE = "discriminate";
  /** Input, bool [1]: R1 applies to this step of the discriminator. */
  static final String REGULARIZE = "regularize";

  private AdversarialGraph() {}

  /**
   * Inputs besides those two: {@code real} [N, C, H, W], {@code z} [N, z_dim], {@code noise} [N, total]; conditional
   * models: {@code real_c} and {@code fake_c} [N, classes]; with style mixing: {@code z2} [N, z_dim] and {@code mix}
   * [N, num_ws, 1], 1 where the styles of z apply and 0 where those of z2 do; with unwanted images: {@code unwanted}
   * [N, C, H, W] and, of conditional models, {@code unwanted_c} [N, classes]. Outputs: {@code loss} of the network that
   * learns, {@code r1_loss}, {@code real_logit} (mean).
   */
  static TrainingObjective build(StyleGan2Config config, AdversarialOptions options, Optional<Unwanted> unwanted) {
    Graph g = new Graph("adversarial");
    int n = options.batch();
    Value discriminate = g.input(DISCRIMINATE, DataType.BOOL, 1);
    Value regularize = g.input(REGULARIZE, DataType.BOOL, 1);
    Value real = g.input("real", n, config.channels(), config.resolution(), config.resolution());
    Value realC = config.conditional() ? g.input("real_c", n, config.classes()) : null;
    Value fakeC = config.conditional() ? g.input("fake_c", n, config.classes()) : null;
    Value bad = unwanted.isPresent() ? g.input("unwanted", real.shape()) : null;
    Value badC = unwanted.isPresent() && config.conditional() ? g.input("unwanted_c", n, config.classes()) : null;
    Value z = g.input("z", n, config.zDim());
    Value z2 = options.mixing() > 0 ? g.input("z2", n, config.zDim()) : null;
    Value mix = options.mixing() > 0 ? g.input("mix", n, config.numWs(), 1) : null;
    Value noise = g.input("noise", n, GeneratorNetwork.noiseSize(config));
    // Declared before the branches, for both to see the same.
    Weights.shapes(config).forEach(g::parameter);
    // Where something is to go, what latents mean stays, for what is drawn at the others to be held against before.
    List<Value> generator = trainable(g, unwanted.isPresent() ? "G.synthesis." : "G.");
    List<Value> discriminator = trainable(g, "D.");

    Value w = GeneratorNetwork.mapping(g, config, z, fakeC);
    Value ws = config.broadcast(w);
    if (mix != null) {
      Value ws2 = config.broadcast(GeneratorNetwork.mapping(g, config, z2, fakeC));
      ws = add(ws2, mul(mix, sub(ws, ws2)));
    }
    Value fake = GeneratorNetwork.synthesis(g, config, ws, Noise.given(noise));
    Value fakeLogits = Discriminator.logits(g, config, fake, fakeC);

    List<Value> values = g.branch(discriminate, () -> {
      Value described = Discriminator.describe(g, config, Discriminator.stem(g, config, real));
      Value realLogits = config.conditional() ? Discriminator.judge(g, config, described, realC) : described;
      Value loss = GanLosses.discriminator(realLogits, fakeLogits);
      if (config.conditional() && options.mismatch() > 0) {
        // The labels of the generated images serve as wrong ones of the real images, where they happen to be wrong.
        Value otherLogits = Discriminator.judge(g, config, described, fakeC);
        loss = add(loss, mul(GanLosses.mismatch(otherLogits, realC, fakeC), options.mismatch()));
      }
      if (bad != null) {
        Value fallenFor = GanLosses.generated(Discriminator.logits(g, config, bad, badC));
        loss = add(loss, mul(fallenFor, unwanted.get().weight()));
      }
      List<Value> gradients = Gradients.of(loss, discriminator);
      List<Value> r1 = g.branch(regularize, () -> {
        // The interval makes up for the steps without: lazily applied, R1 keeps its weight on average.
        Value penalty = GanLosses.r1(realLogits, real, options.gamma() * options.r1Interval());
        return join(List.of(penalty), Gradients.of(penalty, discriminator));
      }, () -> join(List.of(g.constant(0)), zeros(discriminator)));
      List<Value> sums = new ArrayList<>();
      for (int i = 0; i < gradients.size(); i++) {
        sums.add(add(gradients.get(i), r1.get(i + 1)));
      }
      return join(List.of(loss, r1.get(0), Ops.mean(realLogits)), zeros(generator), sums);
    }, () -> {
      Value loss = GanLosses.generator(fakeLogits);
      return join(List.of(loss, g.constant(0), g.constant(0)), Gradients.of(loss, generator), zeros(discriminator));
    });

    g.output("loss", values.get(0));
    g.output("r1_loss", values.get(1));
    g.output("real_logit", values.get(2));
    Map<String, Value> gradients = new LinkedHashMap<>();
    List<Value> parameters = join(generator, discriminator);
    for (int i = 0; i < parameters.size(); i++) {
      gradients.put(parameters.get(i).name(), values.get(i + 3));
    }
    Set<String> averaged = generator.stream().map(Value::name).collect(Collectors.toSet());
    return new TrainingObjective(g, gradients, averaged);
  }

  private static List<Value> trainable(Graph g, String prefix) {
    return g.parameters().values().stream()
        .filter(p -> p.name().startsWith(prefix) && GeneratorNetwork.isTrainable(p.name()))
        .toList();
  }

  private static List<Value> zeros(List<Value> like) {
    return like.stream().map(p -> p.graph().constant(Tensor.zeros(p.shape()))).toList();
  }

  @SafeVarargs
  private static List<Value> join(List<Value>... parts) {
    List<Value> all = new ArrayList<>();
    for (List<Value> part : parts) {
      all.addAll(part);
    }
    return all;
  }
}
