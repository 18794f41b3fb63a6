package dev.lethe.models.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.lethe.models.graph.Node.Branches;
import dev.lethe.models.graph.Node.Scope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes a {@link Graph} as an ONNX model: what its outputs need, and nothing else. */
public final class OnnxWriter {

  /** Version of ONNX's operators. */
  public static final long OPSET = 18;
  private static final long IR_VERSION = 9;
  private static final String MICROSOFT = "com.microsoft";
  private static final String BATCH = "N";

  /** Inputs of the Slice that reverses both axes of a kernel. */
  private static final Map<String, long[]> FLIP = new LinkedHashMap<>();

  static {
    FLIP.put("flip_starts", new long[] {-1, -1});
    FLIP.put("flip_ends", new long[] {Long.MIN_VALUE, Long.MIN_VALUE});
    FLIP.put("flip_axes", new long[] {2, 3});
    FLIP.put("flip_steps", new long[] {-1, -1});
  }

  /** Inputs of what takes the slope of a leaky ReLU from the sign of its output, in standard operators. */
  private static final String SIGN_ALONE = "leaky_relu_sign";
  private static final String STEEP = "leaky_relu_steep";

  /** What a model may be written with. */
  public enum Operators {
    /** Those of ONNX, and those of ONNX Runtime that every build of it has. */
    STANDARD,
    /** Also those of ONNX Runtime's training build. */
    TRAINING
  }

  private final Graph graph;
  private final Operators operators;
  private boolean flips;
  private boolean slopes;
  private final Set<Node> needed = new HashSet<>();
  private final Set<Value> leaves = new HashSet<>();

  private OnnxWriter(Graph graph, Collection<Value> kept, Operators operators) {
    this.graph = graph;
    this.operators = operators;
    kept.forEach(value -> need(value, graph.main()));
    for (Value output : graph.outputs().values()) {
      need(output, graph.main());
    }
  }

  /**
   * An inference model: parameters become initializers.
   *
   * @param weights every parameter that the outputs need, by name
   */
  public static ModelProto inference(Graph graph, Map<String, Tensor> weights) {
    OnnxWriter writer = new OnnxWriter(graph, List.of(), Operators.TRAINING);
    GraphProto.Builder proto = writer.write();
    for (Value parameter : graph.parameters().values()) {
      if (writer.leaves.contains(parameter)) {
        proto.addInitializer(initializer(parameter, weights.get(parameter.name())));
      }
    }
    return model(proto);
  }

  /**
   * A training model: trainable parameters become inputs, after the user's; frozen ones initializers.
   *
   * @param kept values that are written although no output needs them: the gradients
   * @param trainable names of parameters
   * @param weights of the frozen parameters that the model needs, by name
   * @param operators that the model may have
   */
  public static ModelProto training(Graph graph, Collection<Value> kept, Set<String> trainable,
      Map<String, Tensor> weights, Operators operators) {
    OnnxWriter writer = new OnnxWriter(graph, kept, operators);
    GraphProto.Builder proto = writer.write();
    for (Value parameter : graph.parameters().values()) {
      if (trainable.contains(parameter.name())) {
        proto.addInput(valueInfo(parameter.name(), parameter));
      } else if (writer.leaves.contains(parameter)) {
        proto.addInitializer(initializer(parameter, weights.get(parameter.name())));
      }
    }
    return model(proto);
  }

  private static TensorProto initializer(Value parameter, Tensor tensor) {
    if (tensor == null) {
      throw new IllegalArgumentException("no weights for parameter " + parameter);
    }
    if (!parameter.hasShape(tensor.shape())) {
      throw new IllegalArgumentException("weights of parameter " + parameter + " have another shape: "
          + Arrays.toString(tensor.shape()));
    }
    return tensorProto(parameter.name(), tensor);
  }

  private static ModelProto model(GraphProto.Builder graph) {
    ModelProto.Builder model = ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("lethe")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1));
    if (graph.getNodeList().stream().anyMatch(node -> node.getDomain().equals(Node.BLOCKED_DOMAIN))) {
      model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(Node.BLOCKED_DOMAIN).setVersion(1));
    }
    return model.setGraph(graph).build();
  }

  // Marks what a value needs. Iterative: gradient graphs are deeper than a thread's stack.
  private void need(Value start, Scope user) {
    record Use(Value value, Scope scope) {}
    List<Use> open = new ArrayList<>();
    open.add(new Use(start, user));
    while (!open.isEmpty()) {
      Use use = open.remove(open.size() - 1);
      Node node = use.value().producer();
      if (node == null) {
        leaves.add(use.value());
        continue;
      }
      requireVisible(use.value(), node.scope(), use.scope());
      if (needed.add(node)) {
        node.inputs().forEach(v -> open.add(new Use(v, node.scope())));
        Branches branches = node.branches();
        if (branches != null) {
          branches.thenOutputs().forEach(v -> open.add(new Use(v, branches.then())));
          branches.otherwiseOutputs().forEach(v -> open.add(new Use(v, branches.otherwise())));
        }
      }
    }
  }

  private static void requireVisible(Value value, Scope made, Scope used) {
    for (Scope scope = used; scope != null; scope = scope.parent()) {
      if (scope == made) {
        return;
      }
    }
    throw new IllegalStateException(value + " is made inside a branch and used outside of it");
  }

  private GraphProto.Builder write() {
    GraphProto.Builder proto = GraphProto.newBuilder().setName(graph.name());
    graph.constants().forEach((value, content) -> {
      if (leaves.contains(value)) {
        proto.addInitializer(content instanceof Tensor tensor
            ? tensorProto(value.name(), tensor)
            : tensorProto(value.name(), (long[]) content));
      }
    });
    graph.inputs().values().forEach(v -> proto.addInput(valueInfo(v.name(), v)));
    writeScope(proto, graph.main());
    if (flips) {
      FLIP.forEach((name, values) -> proto.addInitializer(tensorProto(name, values)));
    }
    if (slopes) {
      // Large enough that of any number that is met nothing but the sign counts.
      proto.addInitializer(tensorProto(SIGN_ALONE, Tensor.of(new float[] {1e30f})));
      proto.addInitializer(tensorProto(STEEP, Tensor.of(new float[] {1})));
    }
    graph.outputs().forEach((name, value) -> {
      proto.addNode(NodeProto.newBuilder().setOpType("Identity").addInput(value.name()).addOutput(name));
      proto.addOutput(valueInfo(name, value));
    });
    return proto;
  }

  private void writeScope(GraphProto.Builder proto, Scope scope) {
    for (Node node : scope.nodes()) {
      if (needed.contains(node)) {
        if (node.branches() != null) {
          proto.addNode(conditional(node));
        } else if (isTransposeOfStride1(node)) {
          convolutionWithFlippedWeight(proto, node);
        } else if (node.op().equals(Node.GROUP_MEAN)) {
          groupMean(proto, node);
        } else if (operators == Operators.STANDARD && node.op().equals(Node.CONV_WEIGHT)) {
          convolutionOfImages(proto, node);
        } else if (operators == Operators.STANDARD && node.op().equals(Node.LEAKY_RELU_GRAD)) {
          clippedSlope(proto, node);
        } else {
          proto.addNode(simple(node));
        }
      }
    }
  }

  private NodeProto simple(Node node) {
    NodeProto.Builder proto = NodeProto.newBuilder().setName(node.output().name());
    switch (node.op()) {
      case Node.CONV_WEIGHT -> {
        // ConvGrad(dY, X, W) -> dX, dW, dB; an output without a name is not computed.
        proto.setOpType("ConvGrad").setDomain(MICROSOFT)
            .addInput(node.input(1).name()).addInput(node.input(0).name()).addInput(node.input(2).name())
            .addOutput("").addOutput(node.output().name());
        attributes(proto, node.attributes());
      }
      case Node.LEAKY_RELU_GRAD -> {
        proto.setOpType(node.op()).setDomain(MICROSOFT).addInput(node.input(0).name()).addInput(node.input(1).name())
            .addOutput(node.output().name());
        attributes(proto, node.attributes());
      }
      case Node.DETACH -> proto.setOpType("Identity").addInput(node.input(0).name()).addOutput(node.output().name());
      default -> {
        int name = node.op().lastIndexOf('.') + 1;
        proto.setOpType(node.op().substring(name));
        node.outputs().forEach(v -> proto.addOutput(v.name()));
        if (name > 0) {
          proto.setDomain(Node.BLOCKED_DOMAIN);
        }
        node.inputs().forEach(v -> proto.addInput(v.name()));
        attributes(proto, node.attributes());
      }
    }
    return proto.build();
  }

  // The adjoint of a convolution of stride 1 is a convolution with the weight flipped and its channel axes swapped.
  // Written so because ONNX Runtime's ConvTranspose takes 2 to 6 times as long as its Conv on the CPU.
  private static boolean isTransposeOfStride1(Node node) {
    if (!node.op().equals("ConvTranspose")) {
      return false;
    }
    Value weight = node.input(1);
    long groups = node.integer("group");
    boolean depthwise = groups == weight.dim(0) && weight.dim(1) == 1;
    // A convolution cannot cut off what padding as large as the kernel would.
    boolean padsWithinKernel = Arrays.stream(node.longs("pads")).max().getAsLong()
        < Math.min(weight.dim(2), weight.dim(3));
    return node.longs("strides")[0] == 1 && (groups == 1 || depthwise) && padsWithinKernel;
  }

  /** [N, ...] as [g, N / g, ...] with g = min(group, N), its mean over the first axis repeated, and back. */
  private static void groupMean(GraphProto.Builder proto, Node node) {
    String x = node.input(0).name();
    String name = node.output().name();
    proto.addNode(of("Shape", name + "_batch", x).addAttribute(attribute("end", 1L)));
    proto.addNode(of("Min", name + "_group", name + "_batch", node.input(1).name()));
    proto.addNode(of("Concat", name + "_shape", name + "_group", node.input(2).name())
        .addAttribute(attribute("axis", 0L)));
    proto.addNode(of("Reshape", name + "_groups", x, name + "_shape"));
    proto.addNode(of("ReduceMean", name + "_means", name + "_groups", node.input(3).name()));
    proto.addNode(of("Shape", name + "_groups_shape", name + "_groups"));
    proto.addNode(of("Expand", name + "_repeated", name + "_means", name + "_groups_shape"));
    proto.addNode(of("Shape", name + "_whole", x));
    proto.addNode(of("Reshape", name, name + "_repeated", name + "_whole"));
  }

  /**
   * The gradient of a convolution's weight as a convolution of the images with the gradient of what it gave: channels
   * and images change places, and so do stride and dilation.
   */
  private static void convolutionOfImages(GraphProto.Builder proto, Node node) {
    if (node.integer("group") != 1) {
      throw new IllegalArgumentException("the gradient of a weight of groups needs ONNX Runtime's training build: "
          + node);
    }
    Value weight = node.input(2);
    String name = node.output().name();
    for (int i = 0; i < 2; i++) {
      proto.addNode(of("Transpose", name + "_operand" + i, node.input(i).name())
          .addAttribute(attribute("perm", new long[] {1, 0, 2, 3})));
    }
    proto.addNode(of("Conv", name + "_all", name + "_operand0", name + "_operand1")
        .addAttribute(attribute("strides", node.longs("dilations")))
        .addAttribute(attribute("dilations", node.longs("strides")))
        .addAttribute(attribute("pads", node.longs("pads")))
        .addAttribute(attribute("group", 1L))
        .addAttribute(attribute("kernel_shape", new long[] {node.input(1).dim(2), node.input(1).dim(3)})));
    // Where the stride leaves a rest, there is more than the kernel.
    proto.addInitializer(tensorProto(name + "_from", new long[] {0, 0}));
    proto.addInitializer(tensorProto(name + "_to", new long[] {weight.dim(2), weight.dim(3)}));
    proto.addInitializer(tensorProto(name + "_axes", new long[] {2, 3}));
    proto.addNode(of("Slice", name + "_kernel", name + "_all", name + "_from", name + "_to", name + "_axes"));
    proto.addNode(of("Transpose", name, name + "_kernel").addAttribute(attribute("perm", new long[] {1, 0, 2, 3})));
  }

  /** Gradient times slope, which is 1 above 0 and alpha elsewhere. */
  private void clippedSlope(GraphProto.Builder proto, Node node) {
    String name = node.output().name();
    slopes = true;
    proto.addNode(NodeProto.newBuilder().setOpType("Constant").setName(name + "_alpha").addOutput(name + "_alpha")
        .addAttribute(attribute("value_float", node.real("alpha"))));
    proto.addNode(of("Mul", name + "_sign", node.input(1).name(), SIGN_ALONE));
    proto.addNode(of("Clip", name + "_slope", name + "_sign", name + "_alpha", STEEP));
    proto.addNode(of("Mul", name, node.input(0).name(), name + "_slope"));
  }

  private static NodeProto.Builder of(String op, String output, String... inputs) {
    return NodeProto.newBuilder().setOpType(op).setName(output).addAllInput(List.of(inputs)).addOutput(output);
  }

  private void convolutionWithFlippedWeight(GraphProto.Builder proto, Node node) {
    String name = node.output().name();
    String weight = node.input(1).name();
    if (node.integer("group") == 1) {
      proto.addNode(NodeProto.newBuilder().setOpType("Transpose").addInput(weight).addOutput(name + "_swapped")
          .addAttribute(attribute("perm", new long[] {1, 0, 2, 3})));
      weight = name + "_swapped";
    }
    long[] kernel = node.longs("kernel_shape");
    if (kernel[0] > 1 || kernel[1] > 1) {
      NodeProto.Builder flip = NodeProto.newBuilder().setOpType("Slice").addInput(weight);
      FLIP.keySet().forEach(flip::addInput);
      proto.addNode(flip.addOutput(name + "_flipped"));
      weight = name + "_flipped";
      flips = true;
    }
    long[] pads = node.longs("pads");
    for (int i = 0; i < pads.length; i++) {
      pads[i] = kernel[i % 2] - 1 - pads[i];
    }
    proto.addNode(NodeProto.newBuilder().setName(name).setOpType("Conv")
        .addInput(node.input(0).name()).addInput(weight).addOutput(name)
        .addAttribute(attribute("strides", node.longs("strides")))
        .addAttribute(attribute("pads", pads))
        .addAttribute(attribute("group", node.integer("group")))
        .addAttribute(attribute("dilations", node.longs("dilations")))
        .addAttribute(attribute("kernel_shape", kernel)));
  }

  private NodeProto conditional(Node node) {
    Branches branches = node.branches();
    NodeProto.Builder proto = NodeProto.newBuilder().setOpType("If").setName(node.output().name())
        .addInput(node.input(0).name());
    node.outputs().forEach(v -> proto.addOutput(v.name()));
    proto.addAttribute(branchAttribute("then_branch", node, branches.then(), branches.thenOutputs()));
    proto.addAttribute(branchAttribute("else_branch", node, branches.otherwise(), branches.otherwiseOutputs()));
    return proto.build();
  }

  private AttributeProto branchAttribute(String name, Node node, Scope scope, List<Value> values) {
    GraphProto.Builder proto = GraphProto.newBuilder().setName(node.output().name() + "_" + name);
    writeScope(proto, scope);
    for (int i = 0; i < values.size(); i++) {
      // A branch's output must be made inside it, and under a name of its own.
      Value value = values.get(i);
      String output = node.outputs().get(i).name() + "_" + name;
      proto.addNode(NodeProto.newBuilder().setOpType("Identity").addInput(value.name()).addOutput(output));
      proto.addOutput(valueInfo(output, value));
    }
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.GRAPH).setG(proto).build();
  }

  private static void attributes(NodeProto.Builder proto, Map<String, Object> attributes) {
    attributes.entrySet().stream()
        .filter(entry -> !entry.getKey().startsWith(Node.NOT_WRITTEN))
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> proto.addAttribute(attribute(entry.getKey(), entry.getValue())));
  }

  private static AttributeProto attribute(String name, Object value) {
    AttributeProto.Builder attribute = AttributeProto.newBuilder().setName(name);
    if (value instanceof Long integer) {
      attribute.setType(AttributeProto.AttributeType.INT).setI(integer);
    } else if (value instanceof Float real) {
      attribute.setType(AttributeProto.AttributeType.FLOAT).setF(real);
    } else if (value instanceof long[] integers) {
      attribute.setType(AttributeProto.AttributeType.INTS);
      for (long i : integers) {
        attribute.addInts(i);
      }
    } else if (value instanceof float[] reals) {
      attribute.setType(AttributeProto.AttributeType.FLOATS);
      for (float real : reals) {
        attribute.addFloats(real);
      }
    } else if (value instanceof String text) {
      attribute.setType(AttributeProto.AttributeType.STRING).setS(ByteString.copyFromUtf8(text));
    } else {
      throw new IllegalStateException("attribute " + name + " has a type that is not written: " + value.getClass());
    }
    return attribute.build();
  }

  private static ValueInfoProto valueInfo(String name, Value value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long d : value.shape()) {
      shape.addDim(d == Shapes.FREE
          ? TensorShapeProto.Dimension.newBuilder().setDimParam(BATCH)
          : TensorShapeProto.Dimension.newBuilder().setDimValue(d));
    }
    return ValueInfoProto.newBuilder().setName(name)
        .setType(TypeProto.newBuilder().setTensorType(
            TypeProto.Tensor.newBuilder().setElemType(value.type().onnx.getNumber()).setShape(shape)))
        .build();
  }

  private static TensorProto tensorProto(String name, Tensor tensor) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(tensor.data().length, Float.BYTES))
        .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(tensor.data());
    return tensorProto(name, tensor.shape(), TensorProto.DataType.FLOAT, bytes);
  }

  private static TensorProto tensorProto(String name, long[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return tensorProto(name, new long[] {values.length}, TensorProto.DataType.INT64, bytes);
  }

  private static TensorProto tensorProto(String name, long[] shape, TensorProto.DataType type, ByteBuffer bytes) {
    TensorProto.Builder proto = TensorProto.newBuilder().setName(name).setDataType(type.getNumber())
        .setRawData(UnsafeByteOperations.unsafeWrap(bytes));
    for (long d : shape) {
      proto.addDims(d);
    }
    return proto.build();
  }

  /** Every initializer of type float of a model, by name: the weights of an exported bundle. */
  public static Map<String, Tensor> weights(ModelProto model, Collection<String> names) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (TensorProto proto : model.getGraph().getInitializerList()) {
      if (names.contains(proto.getName())) {
        ByteBuffer raw = proto.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        float[] data = new float[raw.remaining() / Float.BYTES];
        raw.asFloatBuffer().get(data);
        weights.put(proto.getName(),
            new Tensor(proto.getDimsList().stream().mapToLong(Long::longValue).toArray(), data));
      }
    }
    return weights;
  }
}
