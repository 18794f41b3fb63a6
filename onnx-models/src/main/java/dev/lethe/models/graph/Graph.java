package dev.lethe.models.graph;

import dev.lethe.models.graph.Node.Branches;
import dev.lethe.models.graph.Node.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A computation under construction. Operators are added by {@link Ops}, which infers every shape as it goes; the result
 * is written as ONNX by {@link OnnxWriter}. Not thread-safe.
 */
public final class Graph {

  private final String name;
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final Map<String, Value> parameters = new LinkedHashMap<>();
  private final Map<String, Value> expressions = new HashMap<>();
  private final Map<String, Value> outputs = new LinkedHashMap<>();
  private final Map<Value, Object> constants = new LinkedHashMap<>();
  private final Map<Object, Value> constantsByContent = new LinkedHashMap<>();
  private final Scope main = new Scope(null);
  private Scope scope = main;
  private int names;
  private int nodes;

  public Graph(String name) {
    this.name = name;
  }

  public String name() {
    return name;
  }

  /** Declares a user input. Only the first dimension may be {@link Shapes#FREE}. */
  public Value input(String inputName, DataType type, long... shape) {
    requireNew(inputName);
    Value value = new Value(this, inputName, type, shape.clone(), null);
    inputs.put(inputName, value);
    return value;
  }

  /** Declares a float input. */
  public Value input(String inputName, long... shape) {
    return input(inputName, DataType.FLOAT, shape);
  }

  /** The parameter of this name; declared at its first use, of the same shape at every later one. */
  public Value parameter(String parameterName, long... shape) {
    Value known = expressions.getOrDefault(parameterName, parameters.get(parameterName));
    if (known != null) {
      if (!known.hasShape(shape)) {
        throw new IllegalArgumentException("parameter " + known + " was declared with another shape");
      }
      return known;
    }
    requireNew(parameterName);
    Value value = new Value(this, parameterName, DataType.FLOAT, shape.clone(), null);
    parameters.put(parameterName, value);
    return value;
  }

  /**
   * Puts an expression in the place of a parameter that is not declared yet: whoever asks for the parameter gets the
   * expression. So parameters can be trained in other coordinates than their own.
   */
  public void express(String parameterName, Value expression) {
    requireNew(parameterName);
    expressions.put(parameterName, expression);
  }

  /** Names {@code value} as an output of the model. */
  public void output(String outputName, Value value) {
    if (outputs.putIfAbsent(outputName, value) != null) {
      throw new IllegalArgumentException("output " + outputName + " exists already");
    }
  }

  /** A float constant. */
  public Value constant(Tensor tensor) {
    Value value = new Value(this, unique("const"), DataType.FLOAT, tensor.shape(), null);
    constants.put(value, tensor);
    return value;
  }

  /** A float scalar constant. */
  public Value constant(double scalar) {
    return constantsByContent.computeIfAbsent((float) scalar,
        content -> constant(Tensor.of(new float[] {(float) scalar})));
  }

  /** A one-dimensional int64 constant (shapes, axes). */
  public Value indices(long... values) {
    List<Long> key = new ArrayList<>();
    for (long v : values) {
      key.add(v);
    }
    return constantsByContent.computeIfAbsent(key, content -> {
      Value value = new Value(this, unique("const"), DataType.INT64, new long[] {values.length}, null);
      constants.put(value, values.clone());
      return value;
    });
  }

  /**
   * Values that are computed by one of two branches, and by that one alone. A branch may use every value that exists
   * already. Both give as many values, of the same shapes; gradients do not pass.
   *
   * @param condition bool, one element
   */
  public List<Value> branch(Value condition, Supplier<List<Value>> then, Supplier<List<Value>> otherwise) {
    Scope outer = scope;
    Scope thenScope = new Scope(outer);
    Scope otherwiseScope = new Scope(outer);
    List<Value> thenValues;
    List<Value> otherwiseValues;
    try {
      scope = thenScope;
      thenValues = then.get();
      scope = otherwiseScope;
      otherwiseValues = otherwise.get();
    } finally {
      scope = outer;
    }
    if (thenValues.size() != otherwiseValues.size()) {
      throw new IllegalArgumentException("branches give " + thenValues.size() + " and " + otherwiseValues.size()
          + " values");
    }
    Node node = new Node(nodes++, Node.IF, List.of(condition), Map.of(),
        new Branches(thenScope, List.copyOf(thenValues), otherwiseScope, List.copyOf(otherwiseValues)), scope);
    scope.nodes().add(node);
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < thenValues.size(); i++) {
      Value a = thenValues.get(i);
      if (!otherwiseValues.get(i).hasShape(a.shape())) {
        throw new IllegalArgumentException("branches give " + a + " and " + otherwiseValues.get(i));
      }
      values.add(addOutput(node, a.type(), a.shape()));
    }
    return values;
  }

  /** Adds a node with one output; {@link Ops} is how to do it with a shape that is right. */
  Value node(String op, DataType type, long[] shape, Map<String, Object> attributes, Value... operands) {
    return node(op, type, List.of(shape), attributes, operands).get(0);
  }

  /** The same with an output for each shape. */
  List<Value> node(String op, DataType type, List<long[]> shapes, Map<String, Object> attributes, Value... operands) {
    for (Value operand : operands) {
      if (operand.graph() != this) {
        throw new IllegalArgumentException(operand + " belongs to graph " + operand.graph().name + ", not to " + name);
      }
    }
    Node node = new Node(nodes++, op, List.of(operands), attributes, null, scope);
    scope.nodes().add(node);
    return shapes.stream().map(shape -> addOutput(node, type, shape)).toList();
  }

  private Value addOutput(Node node, DataType type, long[] shape) {
    Value value = new Value(this, unique(node.op()), type, shape, node);
    node.addOutput(value);
    return value;
  }

  private String unique(String prefix) {
    return prefix + "_" + names++;
  }

  private void requireNew(String newName) {
    if (inputs.containsKey(newName) || parameters.containsKey(newName) || expressions.containsKey(newName)) {
      throw new IllegalArgumentException(newName + " exists already");
    }
  }

  public Map<String, Value> inputs() {
    return Collections.unmodifiableMap(inputs);
  }

  /** Parameters by name, in order of declaration. */
  public Map<String, Value> parameters() {
    return Collections.unmodifiableMap(parameters);
  }

  public Map<String, Value> outputs() {
    return Collections.unmodifiableMap(outputs);
  }

  /** Constants: {@link Tensor} or {@code long[]}. */
  Map<Value, Object> constants() {
    return constants;
  }

  Scope main() {
    return main;
  }
}
