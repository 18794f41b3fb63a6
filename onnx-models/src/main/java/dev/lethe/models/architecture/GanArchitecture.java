package dev.lethe.models.architecture;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * A family of networks, as a server needs to know it: what graphs of a bundle it can compute in place of the bundle's own
 * files. Implementations are found by {@link ServiceLoader}, and have no state.
 */
public interface GanArchitecture {

  /** What {@link ModelCard#architecture} says of bundles of this family. */
  String name();

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
   * @return empty if the processor or the network's sizes do not allow it, or the files do not hold the networks that the
   *     card promises
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
