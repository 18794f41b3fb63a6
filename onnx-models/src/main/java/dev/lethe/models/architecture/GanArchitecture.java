package dev.lethe.models.architecture;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * A family of networks: what networks a card tells of, their weights to and from a bundle, and what graphs a server can
 * compute in place of the bundle's own. Implementations are found by {@link ServiceLoader}, and have no state.
 */
public interface GanArchitecture {

  /** What {@link ModelCard#architecture} says of bundles of this family. */
  String name();

  /**
   * The networks that a card tells of.
   *
   * @throws IllegalArgumentException if they are none of this family
   */
  Networks networks(ModelCard card);

  /**
   * Every parameter of a bundle's generator and, if it has one, discriminator, by name.
   *
   * @throws IOException if a file cannot be read or lacks a parameter of the card's networks
   * @throws IllegalArgumentException if the card's networks are none of this family
   */
  Map<String, Tensor> weights(Bundle bundle) throws IOException;

  /**
   * Writes a model as a bundle.
   *
   * @param directory created if need be; must not hold a bundle
   * @param card its hashes are computed; truncation is towards its mean w
   * @param weights every parameter of {@link Networks#parameters}, by name; others are left out
   * @param features a model file, which is copied
   * @throws IOException if the files cannot be written, or the directory holds a bundle already
   * @throws IllegalArgumentException if the weights are not those of the card's networks
   */
  Bundle write(Path directory, ModelCard card, Map<String, Tensor> weights, Optional<Path> features)
      throws IOException;

  /**
   * A bundle's synthesis network in another precision: inputs, outputs and weights are those of its own graph.
   *
   * @throws IOException if the file cannot be read or lacks a parameter of the card's networks
   * @throws IllegalArgumentException if the card's networks are none of this family
   */
  ModelProto synthesis(Bundle bundle, Precision precision) throws IOException;

  /**
   * A bundle's synthesis network with a second input, {@code noise} [N, values of all layers], in place of its constant
   * noise.
   *
   * @throws IOException if the file cannot be read or lacks a parameter of the card's networks
   * @throws IllegalArgumentException if the card's networks are none of this family
   */
  ModelProto noisySynthesis(Bundle bundle, Precision precision) throws IOException;

  /**
   * A bundle's generator as this machine's processor computes it fastest.
   *
   * @return empty if the processor or the network's sizes do not allow it, or the files do not hold the networks that
   *     the card promises
   */
  Optional<ProcessorGraphs> forThisProcessor(Bundle bundle);

  /** The family of a card's networks, if this Lethe knows it. */
  static Optional<GanArchitecture> find(ModelCard card) {
    return known().stream().filter(architecture -> architecture.name().equals(card.architecture())).findFirst();
  }

  /**
   * The family of a card's networks.
   *
   * @throws IllegalArgumentException if this Lethe does not know it, with those that it knows
   */
  static GanArchitecture of(ModelCard card) {
    return find(card).orElseThrow(() -> new IllegalArgumentException("the architecture is " + card.architecture()
        + "; this Lethe knows " + known().stream().map(GanArchitecture::name).sorted().toList()));
  }

  private static List<GanArchitecture> known() {
    return ServiceLoader.load(GanArchitecture.class, GanArchitecture.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get).toList();
  }
}
