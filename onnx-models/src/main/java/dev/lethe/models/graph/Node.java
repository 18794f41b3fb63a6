package dev.lethe.models.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * One operator application.
 *
 * <p>Operators are ONNX's, and five that are written as ONNX nodes when the graph is: {@link #CONV_WEIGHT},
 * {@link #LEAKY_RELU_GRAD}, {@link #DETACH} and {@link #ADD_ALL} exist so that gradients close over themselves,
 * {@link #GROUP_MEAN} for batches of a size that only a run knows. Those of {@link BlockedOps} are ONNX Runtime's own.
 */
public final class Node {

  /** Gradient of a convolution's weight: inputs x, gradient of the output, weight (its shape only). */
  public static final String CONV_WEIGHT = "ConvWeight";
  /** Gradient of a leaky ReLU: inputs the gradient of its output, and the output, of which the sign alone matters. */
  public static final String LEAKY_RELU_GRAD = "LeakyReluGrad";
  /** Identity that no gradient passes. */
  public static final String DETACH = "Detach";
  /** Sum of values of one shape. */
  public static final String ADD_ALL = "Sum";
  /** Mean over groups of a batch of free size: inputs x, group, -1 and x's other dimensions, the axis 0. */
  public static final String GROUP_MEAN = "GroupMean";
  static final String IF = "If";
  /** Domain of ONNX Runtime's operators on blocked channels, and the first part of their names here. */
  static final String BLOCKED_DOMAIN = "com.microsoft.nchwc";
  static final String BLOCKED_CONV = BLOCKED_DOMAIN + ".Conv";
  static final String BLOCKED = BLOCKED_DOMAIN + ".ReorderInput";
  static final String UNBLOCKED = BLOCKED_DOMAIN + ".ReorderOutput";
  /** First character of attributes that repeat, for the gradient rules, what ONNX takes as constant inputs. */
  static final String NOT_WRITTEN = "@";

  /** The two sides of an If. */
  record Branches(Scope then, List<Value> thenOutputs, Scope otherwise, List<Value> otherwiseOutputs) {}

  /** Nodes in order of creation: the main graph's or a branch's. */
  record Scope(Scope parent, List<Node> nodes) {
    Scope(Scope parent) {
      this(parent, new ArrayList<>());
    }

    // Identity, not contents: two empty scopes are different scopes.
    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  private final String op;
  private final List<Value> inputs;
  private final List<Value> outputs = new ArrayList<>();
  private final Map<String, Object> attributes;
  private final Branches branches;
  private final Scope scope;
  private final int order;

  Node(int order, String op, List<Value> inputs, Map<String, Object> attributes, Branches branches, Scope scope) {
    this.order = order;
    this.op = op;
    this.inputs = List.copyOf(inputs);
    this.attributes = Map.copyOf(attributes);
    this.branches = branches;
    this.scope = scope;
  }

  public String op() {
    return op;
  }

  /** Position in order of creation: above that of every node that this one depends on. */
  public int order() {
    return order;
  }

  public List<Value> inputs() {
    return inputs;
  }

  public Value input(int i) {
    return inputs.get(i);
  }

  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  public Value output() {
    return outputs.get(0);
  }

  /** Attributes by ONNX name: {@code Long}, {@code Float}, {@code String}, {@code long[]}, {@code float[]}. */
  public Map<String, Object> attributes() {
    return attributes;
  }

  public long[] longs(String attribute) {
    return ((long[]) attributes.get(attribute)).clone();
  }

  public long integer(String attribute) {
    return (Long) attributes.get(attribute);
  }

  public float real(String attribute) {
    return (Float) attributes.get(attribute);
  }

  Branches branches() {
    return branches;
  }

  Scope scope() {
    return scope;
  }

  void addOutput(Value value) {
    outputs.add(value);
  }

  @Override
  public String toString() {
    return op + inputs + " -> " + outputs;
  }
}
