package dev.lethe.trainer.session;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Graphs for tests, written by hand: one line of text for each node, as in {@code y = MatMul(x, w)}. */
final class GraphText {

  final GraphProto.Builder proto = GraphProto.newBuilder().setName("graph");
  final List<Parameter> parameters = new ArrayList<>();
  private final Map<String, String> gradients = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  GraphText input(String name, TensorProto.DataType type, long... shape) {
    proto.addInput(value(name, type, shape));
    return this;
  }

  GraphText input(String name, long... shape) {
    return input(name, TensorProto.DataType.FLOAT, shape);
  }

  GraphText output(String name, long... shape) {
    proto.addOutput(value(name, TensorProto.DataType.FLOAT, shape));
    return this;
  }

  GraphText parameter(String name, boolean trainable, float[] values, long... shape) {
    parameters.add(new Parameter(name, shape, values, trainable));
    shapes.put(name, shape);
    return input(name, shape);
  }

  GraphText gradient(String parameter, String value) {
    gradients.put(parameter, value);
    return this;
  }

  GraphText constant(String name, float... values) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setName(name)
        .setDataType(TensorProto.DataType.FLOAT.getNumber());
    if (values.length != 1) {
      tensor.addDims(values.length);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    proto.addInitializer(tensor);
    return this;
  }

  /** {@code out[, out] = Op(in, in)} */
  GraphText node(String text, AttributeProto... attributes) {
    String[] sides = text.split("\\s*=\\s*");
    String[] call = sides[1].split("[()]");
    NodeProto.Builder node = NodeProto.newBuilder().setOpType(call[0]).setName(sides[0])
        .addAllAttribute(List.of(attributes));
    node.addAllOutput(List.of(sides[0].split("\\s*,\\s*")));
    if (call.length > 1 && !call[1].isBlank()) {
      node.addAllInput(List.of(call[1].split("\\s*,\\s*")));
    }
    proto.addNode(node);
    return this;
  }

  static AttributeProto ints(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  static AttributeProto integer(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INT).setI(value).build();
  }

  static AttributeProto graph(String name, GraphText graph) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.GRAPH)
        .setG(graph.proto).build();
  }

  static AttributeProto floats(String name, float[] values, long... shape) {
    TensorProto.Builder tensor = TensorProto.newBuilder().setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long dimension : shape) {
      tensor.addDims(dimension);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.TENSOR).setT(tensor).build();
  }

  /** The model with gradient accumulation for every {@link #gradient}. */
  ModelProto training() {
    TrainingArtifacts.addAccumulators(proto, gradients, shapes);
    return model();
  }

  ModelProto model() {
    return ModelProto.newBuilder().setIrVersion(8).setGraph(proto)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17)).build();
  }

  private static ValueInfoProto value(String name, TensorProto.DataType type, long... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (long dimension : shape) {
      dimensions.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
    }
    return ValueInfoProto.newBuilder().setName(name).setType(TypeProto.newBuilder()
        .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(dimensions))).build();
  }
}
