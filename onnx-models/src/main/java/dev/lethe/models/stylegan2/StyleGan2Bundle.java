package dev.lethe.models.stylegan2;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.architecture.ProcessorGraphs;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Graph;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ChannelBlock;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Bundles of StyleGAN2 models: from weights to files and back, exactly, so that a bundle can be trained further. */
public final class StyleGan2Bundle {

  private StyleGan2Bundle() {}

  /**
   * Writes a bundle without {@code features.onnx}.
   *
   * @param directory created if need be; must not hold a bundle
   * @param card its network and labels give the configuration; its hashes are computed
   * @param weights every parameter of {@link Weights#shapes}, by name
   * @throws IOException if the files cannot be written, or the directory holds a bundle already
   * @throws IllegalArgumentException if the weights are not those of the card's networks
   */
  public static Bundle write(Path directory, ModelCard card, Map<String, Tensor> weights) throws IOException {
    writeNetworks(directory, card, weights);
    return Bundle.seal(directory, card);
  }

  /** The same with a feature network. */
  public static Bundle write(Path directory, ModelCard card, Map<String, Tensor> weights, ModelProto features)
      throws IOException {
    writeNetworks(directory, card, weights);
    write(directory.resolve(Bundle.FEATURES), features);
    return Bundle.seal(directory, card);
  }

  /**
   * The same with the feature network of another bundle, or a user's own.
   *
   * @param features a model file, which is copied
   */
  public static Bundle write(Path directory, ModelCard card, Map<String, Tensor> weights, Path features)
      throws IOException {
    writeNetworks(directory, card, weights);
    Path copy = directory.resolve(Bundle.FEATURES);
    Files.copy(features, copy, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    return Bundle.seal(directory, card);
  }

  private static void writeNetworks(Path directory, ModelCard card, Map<String, Tensor> weights) throws IOException {
    StyleGan2Config config = configuration(card);
    if (Bundle.isBundle(directory)) {
      throw new FileAlreadyExistsException(directory.toString(), null,
          "holds a bundle, and bundles do not change; write to another directory");
    }
    Files.createDirectories(directory);
    write(directory.resolve(Bundle.MAPPING), OnnxWriter.inference(ServingGraphs.mapping(config), weights));
    write(directory.resolve(Bundle.SYNTHESIS), OnnxWriter.inference(ServingGraphs.synthesis(config), weights));
    if (config.discriminator() != null) {
      write(directory.resolve(Bundle.DISCRIMINATOR),
          OnnxWriter.inference(ServingGraphs.discriminator(config), weights));
    }
  }

  // Forced to the disk: the card that promises the file must not outlive it in a power cut.
  private static void write(Path file, ModelProto model) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE,
        StandardOpenOption.TRUNCATE_EXISTING)) {
      OutputStream out = Channels.newOutputStream(channel);
      model.writeTo(out);
      channel.force(true);
    }
  }

  /**
   * Every parameter of a bundle's generator and, if it has one, discriminator, by name.
   *
   * @throws IOException if a file cannot be read or lacks a parameter of the card's networks
   */
  public static Map<String, Tensor> weights(Bundle bundle) throws IOException {
    StyleGan2Config config = configuration(bundle.card());
    Map<String, Tensor> weights = new LinkedHashMap<>();
    read(bundle.mapping(), ServingGraphs.mapping(config), weights);
    read(bundle.synthesis(), ServingGraphs.synthesis(config), weights);
    if (config.discriminator() != null) {
      read(bundle.discriminator(), ServingGraphs.discriminator(config), weights);
    }
    return weights;
  }

  /**
   * A bundle's synthesis network in another precision: inputs, outputs and weights are those of its own graph.
   *
   * @throws IOException if the file cannot be read or lacks a parameter of the card's networks
   * @throws IllegalArgumentException if the bundle is of another architecture
   */
  public static ModelProto synthesis(Bundle bundle, Precision precision) throws IOException {
    return withWeights(bundle, ServingGraphs.synthesis(configuration(bundle.card()), precision));
  }

  /**
   * A bundle's synthesis network that takes its noise, of {@link Generator#noiseSize} values an image, as an input.
   *
   * @throws IOException if the file cannot be read or lacks a parameter of the card's networks
   * @throws IllegalArgumentException if the bundle is of another architecture
   */
  public static ModelProto noisySynthesis(Bundle bundle, Precision precision) throws IOException {
    return withWeights(bundle, ServingGraphs.noisySynthesis(configuration(bundle.card()), precision));
  }

  private static ModelProto withWeights(Bundle bundle, Graph synthesis) throws IOException {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    read(bundle.synthesis(), synthesis, weights);
    return OnnxWriter.inference(synthesis, weights);
  }

  /**
   * A bundle's generator as this machine's processor computes it fastest.
   *
   * @return empty if the processor or the network's widths do not allow it, or the files do not hold the networks that
   *     the card promises
   */
  public static Optional<ProcessorGraphs> forThisProcessor(Bundle bundle) {
    try {
      StyleGan2Config config = configuration(bundle.card());
      if (!fitsThisProcessor(config)) {
        return Optional.empty();
      }
      Map<String, Tensor> weights = new HashMap<>();
      read(bundle.mapping(), ServingGraphs.mapping(config), weights);
      read(bundle.synthesis(), ServingGraphs.synthesis(config), weights);
      return synthesisForThisProcessor(config, weights).map(synthesis ->
          new ProcessorGraphs(OnnxWriter.inference(LeanMapping.graph(config, weights), Map.of()), synthesis));
    } catch (IOException | IllegalArgumentException e) {
      // Whoever loads the files themselves is told what is wrong with them.
      return Optional.empty();
    }
  }

  /**
   * A synthesis network as this machine's processor computes it fastest: that of a bundle, but for rounding.
   *
   * @param weights of the synthesis network, by name
   * @return ws → image, for {@link dev.lethe.models.runtime.InferenceSession#openBlocked}; empty if the processor or
   *     the network's sizes do not allow it
   */
  public static Optional<ModelProto> synthesisForThisProcessor(StyleGan2Config config, Map<String, Tensor> weights) {
    return fitsThisProcessor(config) ? Optional.of(OnnxWriter.inference(
        BlockedSynthesis.graph(config, weights, ChannelBlock.size().getAsInt()), Map.of())) : Optional.empty();
  }

  private static boolean fitsThisProcessor(StyleGan2Config config) {
    OptionalInt block = ChannelBlock.size();
    return block.isPresent() && BlockedSynthesis.fits(config, block.getAsInt());
  }

  private static void read(Path file, Graph graph, Map<String, Tensor> weights) throws IOException {
    Map<String, Value> parameters = graph.parameters();
    Map<String, Tensor> found;
    try (InputStream in = Files.newInputStream(file)) {
      found = OnnxWriter.weights(ModelProto.parseFrom(in), parameters.keySet());
    }
    for (Value parameter : parameters.values()) {
      Tensor tensor = found.get(parameter.name());
      if (tensor == null) {
        throw new IOException(file + " lacks the parameter " + parameter + " of the networks in " + Bundle.CARD);
      }
      if (!parameter.hasShape(tensor.shape())) {
        throw new IOException(file + ": the parameter " + parameter + " has shape "
            + Arrays.toString(tensor.shape()) + "; that is not the network in " + Bundle.CARD);
      }
      weights.put(parameter.name(), tensor);
    }
  }

  private static StyleGan2Config configuration(ModelCard card) {
    if (!card.architecture().equals(ModelCard.STYLEGAN2)) {
      throw new IllegalArgumentException("the architecture is " + card.architecture() + "; this reads and writes "
          + ModelCard.STYLEGAN2);
    }
    StyleGan2Config config = StyleGan2Config.of(card);
    if (!config.network().equals(card.network())) {
      throw new IllegalArgumentException("the card has num_ws " + card.network().numWs() + "; resolution "
          + config.resolution() + " takes " + config.numWs());
    }
    return config;
  }
}
