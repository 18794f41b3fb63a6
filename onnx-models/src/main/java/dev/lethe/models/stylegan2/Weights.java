package dev.lethe.models.stylegan2;

import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Parameters of a generator and its discriminator, if it has one, by name, statistics and constant noise included. */
public final class Weights {

  private Weights() {}

  /** The shape of every parameter, by name, in order of name. */
  public static Map<String, long[]> shapes(StyleGan2Config config) {
    Map<String, long[]> shapes = new TreeMap<>();
    List<Graph> graphs = new ArrayList<>(List.of(ServingGraphs.mapping(config), ServingGraphs.synthesis(config)));
    if (config.discriminator() != null) {
      graphs.add(ServingGraphs.discriminator(config));
    }
    for (Graph graph : graphs) {
      graph.parameters().forEach((name, value) -> shapes.put(name, value.shape()));
    }
    return shapes;
  }

  /**
   * Weights to start training from, as the reference draws them: the equalized learning rate (Karras et al. 2018,
   * section 4.1) puts every scale into the graph, so weights are standard normal, but for the mapping networks', which
   * are as much larger as their learning rate is smaller. Biases are 0, those of styles 1; noise starts at strength 0.
   *
   * @param seed gives the same weights on every machine
   */
  public static Map<String, Tensor> initialize(StyleGan2Config config, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    shapes(config).forEach((name, shape) -> weights.put(name, initial(name, shape, random)));
    return weights;
  }

  private static Tensor initial(String name, long[] shape, SplittableRandom random) {
    float[] data = new float[Math.toIntExact(Shapes.size(shape))];
    if (name.endsWith(".affine.bias")) {
      Arrays.fill(data, 1);
    } else if (isNormal(name)) {
      double deviation = name.contains(".mapping.fc") ? 1 / Layers.MAPPING_MULTIPLIER : 1;
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) (deviation * random.nextGaussian());
      }
    }
    return new Tensor(shape, data);
  }

  private static boolean isNormal(String name) {
    return name.endsWith(".weight") || name.endsWith(".const") || name.endsWith(".noise_const");
  }
}
