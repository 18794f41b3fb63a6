package dev.lethe.models.stylegan2;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import java.io.IOException;
import java.util.Optional;

/** StyleGAN2 (Karras et al. 2020). */
public final class StyleGan2Architecture implements GanArchitecture {

  @Override
  public String name() {
    return ModelCard.STYLEGAN2;
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
