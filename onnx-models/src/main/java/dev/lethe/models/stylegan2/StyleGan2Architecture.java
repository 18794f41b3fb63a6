package dev.lethe.models.stylegan2;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.architecture.Networks;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** StyleGAN2 (Karras et al. 2020). */
public final class StyleGan2Architecture implements GanArchitecture {

  @Override
  public String name() {
    return ModelCard.STYLEGAN2;
  }

  @Override
  public Networks networks(ModelCard card) {
    return StyleGan2Bundle.configuration(card);
  }

  @Override
  public Map<String, Tensor> weights(Bundle bundle) throws IOException {
    return StyleGan2Bundle.weights(bundle);
  }

  @Override
  public Bundle write(Path directory, ModelCard card, Map<String, Tensor> weights, Optional<Path> features)
      throws IOException {
    Map<String, Tensor> all = new HashMap<>(weights);
    all.put(GeneratorNetwork.W_AVG, Tensor.of(card.w().avg(), card.w().avg().length));
    return features.isPresent() ? StyleGan2Bundle.write(directory, card, all, features.get())
        : StyleGan2Bundle.write(directory, card, all);
  }

  @Override
  public ModelProto synthesis(Bundle bundle, Precision precision) throws IOException {
    return StyleGan2Bundle.synthesis(bundle, precision);
  }

  @Override
  public ModelProto noisySynthesis(Bundle bundle, Precision precision) throws IOException {
    return StyleGan2Bundle.noisySynthesis(bundle, precision);
  }

  @Override
  public Optional<ProcessorGraphs> forThisProcessor(Bundle bundle) {
    return StyleGan2Bundle.forThisProcessor(bundle);
  }
}
