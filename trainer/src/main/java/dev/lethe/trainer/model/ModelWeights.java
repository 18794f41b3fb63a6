package dev.lethe.trainer.model;

import dev.lethe.models.architecture.DiscriminatorFeatures;
import dev.lethe.models.architecture.GanArchitecture;
import dev.lethe.models.architecture.Networks;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.features.FeatureNetwork;
import dev.lethe.models.features.FeatureSpace;
import dev.lethe.models.features.RecognisedClasses;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import ai.onnx.proto.OnnxMl.ModelProto;

/**
 * Everything of a bundle that unlearning computes with.
 *
 * @param features what the perceptual loss goes by: that of {@code features.onnx} if it can be differentiated; else the
 *     discriminator's; else a convolutional network of random weights
 * @param measuring what pictures are measured by, if it is another network than {@code features}: {@code features.onnx}
 *     as it is
 * @param weights of all networks but {@code measuring}, by parameter name
 */
public record ModelWeights(Networks config, FeatureSpace features, Optional<ModelProto> measuring,
    Map<String, Tensor> weights) {

  /** Equal for all models, so that what is measured by random features can be compared. */
  private static final long RANDOM_FEATURES = 2020;

  /** Features that can be differentiated, and measured by. */
  public ModelWeights(Networks config, FeatureSpace features, Map<String, Tensor> weights) {
    this(config, features, Optional.empty(), weights);
  }

  public static ModelWeights read(Bundle bundle) throws IOException {
    GanArchitecture architecture = GanArchitecture.of(bundle.card());
    Networks config = architecture.networks(bundle.card());
    Map<String, Tensor> weights = new HashMap<>(architecture.weights(bundle));
    if (!bundle.card().has(Bundle.FEATURES)) {
      return new ModelWeights(config, substitute(config, weights), weights);
    }
    ModelProto file = ModelProto.parseFrom(Files.readAllBytes(bundle.features()));
    int classes = RecognisedClasses.of(file).count();
    if (classes > 0) {
      for (FeatureNetwork.Size size : FeatureNetwork.Size.values()) {
        FeatureNetwork features =
            new FeatureNetwork(config.resolution(), config.channels(), classes, size);
        Map<String, Tensor> own = OnnxWriter.weights(file, features.graph().parameters().keySet());
        if (features.fits(own)) {
          weights.putAll(own);
          return new ModelWeights(config, features, weights);
        }
      }
    }
    return new ModelWeights(config, substitute(config, weights), Optional.of(file), weights);
  }

  /** Features that come without a file; adds their weights. */
  private static FeatureSpace substitute(Networks config, Map<String, Tensor> weights) {
    if (config.hasDiscriminator()) {
      DiscriminatorFeatures features = config.discriminatorFeatures();
      weights.putAll(features.weights(weights));
      return features;
    }
    FeatureNetwork features = new FeatureNetwork(config.resolution(), config.channels(), 0);
    weights.putAll(features.initialize(RANDOM_FEATURES));
    return features;
  }

  /** Classes that pictures are recognised as when they are measured; 0 if none are. */
  public int recognisedClasses() {
    return measuring.isPresent() ? RecognisedClasses.of(measuring.get()).count() : features.classes();
  }

  /** What pictures are measured by, in a sentence, where the bundle has no network for it. */
  public Optional<String> featuresInstead() {
    if (measuring.isPresent() || features.classes() > 0) {
      return Optional.empty();
    }
    String by = features instanceof DiscriminatorFeatures ? "the activations of its discriminator"
        : "those of a convolutional network of random weights (Naeem et al. 2020)";
    return Optional.of("the model has no features.onnx: its features, and so all Fréchet distances, are " + by
        + ", and compare with nothing that was measured by others; 'lethe import --features' adds a network");
  }

  public boolean hasDiscriminator() {
    return config.hasDiscriminator();
  }

  /** The same model with other weights for some parameters. */
  public ModelWeights with(Map<String, Tensor> changed) {
    Map<String, Tensor> all = new HashMap<>(weights);
    all.putAll(changed);
    return new ModelWeights(config, features, measuring, all);
  }
}
