package dev.lethe.models.architecture;

import dev.lethe.models.features.FeatureSpace;
import dev.lethe.models.graph.Tensor;
import java.util.Map;

/**
 * Features of a model that came without a feature network: what its own discriminator sees in an image. Their
 * parameters are copies with names of their own, so that what unlearns does not move what it is measured by.
 */
public interface DiscriminatorFeatures extends FeatureSpace {

  /** Their parameters, from those of the discriminator. */
  Map<String, Tensor> weights(Map<String, Tensor> ofModel);
}
