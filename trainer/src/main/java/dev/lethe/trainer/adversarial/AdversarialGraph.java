package dev.lethe.trainer.adversarial;

import static dev.lethe.models.graph.Ops.add;
import static dev.lethe.models.graph.Ops.mul;
import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;
import static dev.lethe.models.graph.Ops.sub;

import dev.lethe.models.graph.DataType;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.stylegan2.Discriminator;
import dev.lethe.models.stylegan2.Generator;
import dev.lethe.models.stylegan2.Noise;
import dev.lethe.models.stylegan2.StyleGan2Config;
import dev.lethe.trainer.autodiff.Gradients;
import dev.lethe.trainer.session.Learner;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One step of adversarial training as one graph. Generator parameters take the gradient of the generator's loss and
 * discriminator parameters that of the discriminator's, both from one shared pass over the same generated images: the
 * two networks step at once instead of in turn, which saves a sixth of the arithmetic. R1 is computed on the steps that
 * ask for it, by a branch.
 *
 * <p>Inputs: {@code real} [N, C, H, W], {@code z} [N, z_dim], {@code z2} [N, z_dim] and {@code mix} [N, num_ws, 1] (1
 * where the styles of z apply, 0 where those of z2 do), {@code noise} [N, total], {@code r1} bool [1]; conditional
 * models: {@code real_c} and {@code fake_c} [N, classes]. Outputs: {@code g_loss}, {@code d_loss}, {@code r1_loss}, {@code
 * real_logit} (mean).
 */
final class AdversarialGraph {

  private AdversarialGraph() {}

  static Learner.Problem build(StyleGan2Config config, AdversarialOptions options) {
    Graph g = new Graph("adversarial");
    int n = options.batch();
    Value real = g.input("real", n, config.channels(), config.resolution(), config.resolution());
    Value z = g.input("z", n, config.zDim());
    Value z2 = options.mixing() > 0 ? g.input("z2", n, config.zDim()) : null;
    Value mix = options.mixing() > 0 ? g.input("mix", n, config.numWs(), 1) : null;
    Value noise = g.input("noise", n, Generator.noiseSize(config));
    Value r1 = g.input("r1", DataType.BOOL, 1);
    Value realC = config.conditional() ? g.input("real_c", n, config.classes()) : null;
    Value fakeC = config.conditional() ? g.input("fake_c", n, config.classes()) : null;

    Value w = Generator.mapping(g, config, z, fakeC);
    Value ws = Generator.broadcast(config, w);
    if (mix != null) {
      Value ws2 = Generator.broadcast(config, Generator.mapping(g, config, z2, fakeC));
      ws = add(ws2, mul(mix, sub(ws, ws2)));
    }
    Value fake = Generator.synthesis(g, config, ws, Noise.given(noise));
    Value fakeLogits = Discriminator.logits(g, config, fake, fakeC);
    Value realLogits = Discriminator.logits(g, config, real, realC);

    List<Value> generator = parameters(g, "G.");
    List<Value> discriminator = parameters(g, "D.");
    Value generatorLoss = GanLosses.generator(fakeLogits);
    Value discriminatorLoss = GanLosses.discriminator(realLogits, fakeLogits);
    List<Value> generatorGradients = Gradients.of(generatorLoss, generator);
    List<Value> discriminatorGradients = Gradients.of(discriminatorLoss, discriminator);

    // The interval makes up for the steps without: lazily applied, R1 keeps its weight on average.
    List<Value> regularized = g.branch(r1, () -> {
      Value penalty = GanLosses.r1(realLogits, real, options.gamma() * options.r1Interval());
      List<Value> values = new ArrayList<>(List.of(penalty));
      values.addAll(Gradients.of(penalty, discriminator));
      return values;
    }, () -> {
      List<Value> zeros = new ArrayList<>(List.of(g.constant(0)));
      discriminator.forEach(p -> zeros.add(g.constant(Tensor.zeros(p.shape()))));
      return zeros;
    });

    Map<String, Value> gradients = new LinkedHashMap<>();
    for (int i = 0; i < generator.size(); i++) {
      gradients.put(generator.get(i).name(), generatorGradients.get(i));
    }
    for (int i = 0; i < discriminator.size(); i++) {
      gradients.put(discriminator.get(i).name(), add(discriminatorGradients.get(i), regularized.get(i + 1)));
    }
    g.output("g_loss", generatorLoss);
    g.output("d_loss", discriminatorLoss);
    g.output("r1_loss", regularized.get(0));
    g.output("real_logit", reshape(reduceMean(realLogits, 0, 1)));
    Set<String> averaged = generator.stream().map(Value::name).collect(Collectors.toSet());
    return new Learner.Problem(g, gradients, averaged);
  }

  private static List<Value> parameters(Graph g, String prefix) {
    return g.parameters().values().stream().filter(p -> p.name().startsWith(prefix)).toList();
  }
}
