package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Initial parameters of both networks, distributed as the reference's. */
public final class Weights {

  private static final double MAPPING_SCALE = 100;

  private Weights() {}

  /** Every parameter of generator and discriminator by name, a function of the seed alone. */
  public static Map<String, Tensor> initialize(StyleGan2Config config, long seed) {
    Graph g = new Graph("all");
    Value z = g.input("z", 4, config.zDim());
    Value label = config.conditional() ? g.input("c", 4, config.classes()) : null;
    Value w = Generator.truncate(g, config, Generator.mapping(g, config, z, label), g.input("psi", 4, 1));
    Value image = Generator.synthesis(g, config, Generator.broadcast(config, w), Noise.constant());
    Discriminator.logits(g, config, image, label);

    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    g.parameters().forEach((name, value) -> {
      Tensor tensor = Tensor.zeros(value.shape());
      double constant = name.endsWith(".affine.bias") ? 1 : 0;
      boolean zero = name.endsWith("bias") || name.endsWith("noise_strength") || name.endsWith("w_avg");
      // Weights of mapping networks are divided by their learning rate multiplier, 0.01.
      double scale = name.contains("mapping.fc") ? MAPPING_SCALE : 1;
      for (int i = 0; i < tensor.data().length; i++) {
        tensor.data()[i] = (float) (zero ? constant : random.nextGaussian() * scale);
      }
      weights.put(name, tensor);
    });
    return weights;
  }
}
