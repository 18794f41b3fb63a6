package dev.lethe.models.stylegan2;

import static dev.lethe.models.graph.Ops.reduceMean;
import static dev.lethe.models.graph.Ops.reshape;

import dev.lethe.models.architecture.DiscriminatorFeatures;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The activations of a discriminator's stem at 8×8, each map's mean. They are of one image alone, which behind the
 * minibatch standard deviation they would not be.
 */
record StemFeatures(StyleGan2Config config) implements DiscriminatorFeatures {

  private static final String PREFIX = "F.";

  /** @throws IllegalArgumentException if the model has no discriminator */
  StemFeatures {
    if (config.discriminator() == null) {
      throw new IllegalArgumentException("there is no discriminator to take features from");
    }
  }

  @Override
  public Map<String, Tensor> weights(Map<String, Tensor> ofModel) {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    for (String name : graph().parameters().keySet()) {
      copies.put(name, ofModel.get(name.substring(PREFIX.length())));
    }
    return copies;
  }

  @Override
  public int resolution() {
    return config.resolution();
  }

  @Override
  public int channels() {
    return config.channels();
  }

  @Override
  public int width() {
    return config.discriminatorWidth(8);
  }

  @Override
  public int classes() {
    return 0;
  }

  @Override
  public Outputs apply(Graph g, Value image) {
    Value activations = Discriminator.stemOf(g, config, image, PREFIX);
    return new Outputs(reshape(reduceMean(activations, 2, 3), activations.dim(0), width()), null);
  }
}
