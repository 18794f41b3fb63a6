package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.checkpoint.CheckpointException;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** What a source's reader found: parameters under our names, and what shapes do not tell. */
final class FoundNetworks {

  /** Of the low-pass filter [1, 3, 3, 1] of both axes, each element's share. */
  private static final float[] FIR = {1 / 8f, 3 / 8f, 3 / 8f, 1 / 8f};
  private static final double FILTER_TOLERANCE = 1e-4;

  private final String source;
  private final Map<String, Weight> weights = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();
  private Double generatorClamp;
  private Double discriminatorClamp;
  private int mbstdGroup = 4;
  private ModelCard card;
  private UnaryOperator<String> naming = UnaryOperator.identity();

  /** @param source what the file is, for the summary */
  FoundNetworks(String source) {
    this.source = source;
  }

  String source() {
    return source;
  }

  Map<String, Weight> weights() {
    return weights;
  }

  boolean has(String name) {
    return weights.containsKey(name);
  }

  /** What the file calls a parameter, for messages about those that it lacks. */
  String nameInFile(String parameter) {
    return naming.apply(parameter);
  }

  /** Sets how the file names our parameters; as we do if nothing is set. */
  void naming(UnaryOperator<String> name) {
    naming = name;
  }

  void add(String name, Weight weight) throws CheckpointException {
    if (weights.putIfAbsent(name, weight) != null) {
      throw new CheckpointException("two of its tensors are " + name);
    }
  }

  /** Something that the user should know about what was read. */
  void note(String text) {
    notes.add(text);
  }

  List<String> notes() {
    return notes;
  }

  Double generatorClamp() {
    return generatorClamp;
  }

  void generatorClamp(Double clamp) {
    generatorClamp = clamp;
  }

  Double discriminatorClamp() {
    return discriminatorClamp;
  }

  void discriminatorClamp(Double clamp) {
    discriminatorClamp = clamp;
  }

  /** Group of the minibatch standard deviation; 0: the whole batch. */
  int mbstdGroup() {
    return mbstdGroup;
  }

  void mbstdGroup(int group) {
    mbstdGroup = group;
  }

  /** The card that the file carries; null if none. */
  ModelCard card() {
    return card;
  }

  void card(ModelCard carried) {
    card = carried;
  }

  /**
   * Checks that a filter of a file is the one that the graphs have.
   *
   * @param name the file's, for the message
   */
  static void requireFilter(String name, Weight filter) throws IOException {
    long[] shape = filter.shape();
    Tensor tensor = shape.length <= 2 && java.util.Arrays.stream(shape).allMatch(d -> d <= 16) ? filter.read() : null;
    boolean same = false;
    if (tensor != null && shape.length == 2 && shape[0] == FIR.length && shape[1] == FIR.length) {
      double sum = 0;
      for (float value : tensor.data()) {
        sum += value;
      }
      same = true;
      for (int i = 0; i < tensor.data().length; i++) {
        // Gains differ between sources, and are in the graphs.
        same &= Math.abs(tensor.data()[i] / sum - FIR[i / FIR.length] * FIR[i % FIR.length]) < FILTER_TOLERANCE;
      }
    }
    if (!same) {
      throw new CheckpointException(name + " is another filter than [1, 3, 3, 1], which alone is supported");
    }
  }
}
