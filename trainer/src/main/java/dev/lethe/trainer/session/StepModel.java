package dev.lethe.trainer.session;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A whole step of training as one graph of standard operators: outputs, gradients, Adam, moving averages. The trained
 * parameters are one vector, the pieces of which the graph names as it knew them; so are Adam's moments and the
 * averages, each an input, whose next value is an output.
 *
 * @param states sizes of these vectors by name
 * @param inputs names of all other inputs
 */
record StepModel(ModelProto model, Map<String, Integer> states, Set<String> inputs) {

  /** The trained parameters, one after another. */
  static final String PARAMETERS = "step.parameters";
  /** Adam's m. */
  static final String FIRST = "step.first_moments";
  /** Adam's v. */
  static final String SECOND = "step.second_moments";
  static final String AVERAGES = "step.averages";
  /** Input, scalar: Adam's η / (1 − β1ᵗ). */
  static final String RATE = "step.rate";
  /** Input, scalar: Adam's 1 / (1 − β2ᵗ). */
  static final String SECOND_SCALE = "step.second_scale";
  /** Input, scalar: what weight decay leaves of a parameter. */
  static final String KEPT = "step.kept";
  /** Input, scalar: 1 − decay of the moving averages. */
  static final String AVERAGE_RATE = "step.average_rate";

  /** The output that has a state's next value. */
  static String next(String state) {
    return state + ".next";
  }

  static StepModel of(TrainedModel trained, AdamOptions adam) {
    return new Builder(trained).build(adam);
  }

  private static final class Builder {
    private final TrainedModel trained;
    private final GraphProto.Builder graph;
    /** What comes before the graph's own nodes. */
    private final List<NodeProto> first = new ArrayList<>();
    private final Map<String, Integer> states = new LinkedHashMap<>();
    private final Set<String> inputs = new LinkedHashSet<>();
    private int names;

    Builder(TrainedModel trained) {
      this.trained = trained;
      this.graph = trained.model().getGraph().toBuilder().clearInput();
      for (ValueInfoProto input : trained.model().getGraph().getInputList()) {
        if (!trained.shapes().containsKey(input.getName())) {
          graph.addInput(input);
          inputs.add(input.getName());
        }
      }
    }

    StepModel build(AdamOptions adam) {
      Set<String> parameters = trained.shapes().keySet();
      int size = parameters.stream().mapToInt(this::size).sum();
      state(PARAMETERS, size);
      state(FIRST, size);
      state(SECOND, size);
      scalar(RATE);
      scalar(SECOND_SCALE);
      scalar(KEPT);
      split();
      String gradient = vector(parameters.stream().map(name -> trained.gradients().get(name)).toList());
      adam(gradient, adam);
      if (!trained.averages().isEmpty()) {
        state(AVERAGES, trained.averages().keySet().stream().mapToInt(this::size).sum());
        scalar(AVERAGE_RATE);
        // Of the parameters before this step's update, as ONNX Runtime's training session has it.
        String difference = node("Sub", vector(List.copyOf(trained.averages().keySet())), AVERAGES);
        next(AVERAGES, "Add", AVERAGES, node("Mul", difference, AVERAGE_RATE));
      }
      List<NodeProto> own = graph.getNodeList();
      GraphProto.Builder ordered = graph.build().toBuilder().clearNode().addAllNode(first).addAllNode(own);
      return new StepModel(trained.model().toBuilder().setGraph(ordered).build(), states, inputs);
    }

    private int size(String parameter) {
      return Math.toIntExact(Arrays.stream(trained.shapes().get(parameter)).reduce(1, Math::multiplyExact));
    }

    /** Makes the parameters of the vector. */
    private void split() {
      NodeProto.Builder split = NodeProto.newBuilder().setOpType("Split").setName("step.split").addInput(PARAMETERS)
          .addInput(constant(trained.shapes().keySet().stream().mapToLong(this::size).toArray()));
      List<NodeProto> shaped = new ArrayList<>();
      trained.shapes().forEach((name, shape) -> {
        split.addOutput("step.piece:" + name);
        shaped.add(NodeProto.newBuilder().setOpType("Reshape").setName("step.shaped:" + name)
            .addInput("step.piece:" + name).addInput(constant(shape)).addOutput(name).build());
      });
      first.add(split.build());
      first.addAll(shaped);
    }

    /** All values one after another. */
    private String vector(List<String> values) {
      String flat = constant(new long[] {-1});
      NodeProto.Builder concat = NodeProto.newBuilder().setOpType("Concat").setName(name())
          .addAttribute(AttributeProto.newBuilder().setName("axis").setType(AttributeProto.AttributeType.INT).setI(0));
      values.forEach(value -> concat.addInput(node("Reshape", value, flat)));
      String vector = name();
      graph.addNode(concat.addOutput(vector));
      return vector;
    }

    private void adam(String gradient, AdamOptions adam) {
      String m = next(FIRST, "Add", node("Mul", FIRST, constant(adam.beta1())),
          node("Mul", gradient, constant(1 - adam.beta1())));
      String v = next(SECOND, "Add", node("Mul", SECOND, constant(adam.beta2())),
          node("Mul", node("Mul", gradient, gradient), constant(1 - adam.beta2())));
      String size = node("Add", node("Sqrt", node("Mul", v, SECOND_SCALE)), constant(adam.epsilon()));
      String update = node("Mul", node("Div", m, size), RATE);
      next(PARAMETERS, "Sub", node("Mul", PARAMETERS, KEPT), update);
    }

    private void state(String name, int size) {
      states.put(name, size);
      graph.addInput(TrainingArtifacts.value(name, TensorProto.DataType.FLOAT, size));
    }

    private void scalar(String name) {
      inputs.add(name);
      graph.addInput(TrainingArtifacts.value(name, TensorProto.DataType.FLOAT));
    }

    private String next(String state, String op, String... operands) {
      graph.addNode(NodeProto.newBuilder().setOpType(op).setName(name()).addAllInput(List.of(operands))
          .addOutput(StepModel.next(state)));
      graph.addOutput(TrainingArtifacts.value(StepModel.next(state), TensorProto.DataType.FLOAT, states.get(state)));
      return StepModel.next(state);
    }

    private String node(String op, String... operands) {
      String output = name();
      graph.addNode(NodeProto.newBuilder().setOpType(op).setName(output).addAllInput(List.of(operands))
          .addOutput(output));
      return output;
    }

    private String constant(float value) {
      String name = name();
      graph.addInitializer(TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber())
          .addFloatData(value));
      return name;
    }

    private String constant(long... values) {
      String name = name();
      TensorProto.Builder tensor = TensorProto.newBuilder().setName(name)
          .setDataType(TensorProto.DataType.INT64.getNumber()).addDims(values.length);
      Arrays.stream(values).forEach(tensor::addInt64Data);
      graph.addInitializer(tensor);
      return name;
    }

    private String name() {
      return "step." + names++;
    }
  }
}
