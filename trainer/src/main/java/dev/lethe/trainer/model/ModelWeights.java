package dev.lethe.trainer.model;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.stylegan2.StyleGan2Bundle;
import dev.lethe.models.stylegan2.StyleGan2Config;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;

/**
 * Everything of a bundle that unlearning computes with.
 *
 * @param features the architecture of {@code features.onnx}
 * @param weights of all three networks, by parameter name
 */
public record ModelWeights(StyleGan2Config config, FeatureNetwork features, Map<String, Tensor> weights) {

  public static ModelWeights read(Bundle bundle) throws IOException {
    StyleGan2Config config = StyleGan2Config.of(bundle.card());
    Map<String, Tensor> weights = new HashMap<>(StyleGan2Bundle.weights(bundle));
    ModelProto file = ModelProto.parseFrom(Files.readAllBytes(bundle.features()));
    long classes = file.getGraph().getOutputList().stream().filter(o -> o.getName().equals("logits")).findFirst()
        .orElseThrow(() -> new IOException(bundle.features() + " has no output logits"))
        .getType().getTensorType().getShape().getDim(1).getDimValue();
    FeatureNetwork features = new FeatureNetwork(config.resolution(), config.channels(), (int) classes);
    Map<String, Tensor> featureWeights = OnnxWriter.weights(file, features.graph().parameters().keySet());
    if (featureWeights.size() != features.graph().parameters().size()) {
      throw new IOException(bundle.features() + " is not a network that 'lethe train features' made; the perceptual loss "
          + "needs one that it can differentiate");
    }
    weights.putAll(featureWeights);
    return new ModelWeights(config, features, weights);
  }

  /** The same model with other weights for some parameters. */
  public ModelWeights with(Map<String, Tensor> changed) {
    Map<String, Tensor> all = new HashMap<>(weights);
    all.putAll(changed);
    return new ModelWeights(config, features, all);
  }
}
