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
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The four files that a training session is made of.
 *
 * <p>The training model is plain ONNX that computes outputs and, by ordinary nodes, gradients. By the names of its
 * graph inputs ONNX Runtime tells what they are:
 *
 * <ul>
 *   <li>a parameter has the name of a tensor in the checkpoint, and its shape, all dimensions fixed;
 *   <li>{@code NAME_grad.accumulation.buffer} holds the gradient of the trainable parameter NAME;
 *   <li>{@code lazy_reset_grad}, bool [1], says whether a step overwrites the buffers or adds to them;
 *   <li>all others are the user's inputs, of any type.
 * </ul>
 *
 * <p>{@link #addAccumulators} adds what the last two need. Graph outputs named {@code NAME_grad.accumulation.out} are
 * ONNX Runtime's; all others are the user's. Do not name anything else with {@code _grad} at its end.
 *
 * <p>The evaluation model, where there is one, takes inputs of its own and <em>every</em> parameter of the training
 * model, in the same order among each other, used or not: ONNX Runtime hands parameters to it by position.
 *
 * @param trainingModel ONNX
 * @param evalModel ONNX; empty if the session need not evaluate
 * @param optimizerModel ONNX
 * @param checkpoint see {@link Checkpoint}
 */
public record TrainingArtifacts(
    Path trainingModel, Optional<Path> evalModel, Path optimizerModel, Path checkpoint) {

  private static final String MICROSOFT = "com.microsoft";
  private static final String BUFFER = "_grad.accumulation.buffer";
  private static final String ACCUMULATED = "_grad.accumulation.out";
  private static final String RESET = "lazy_reset_grad";
  private static final int OPTIMIZER_OPSET = 14;
  private static final int IR_VERSION = 8;

  /**
   * Appends gradient accumulation to a training graph: for each trainable parameter its buffer input, the {@code
   * InPlaceAccumulatorV2} that fills it and that node's output, and {@code lazy_reset_grad}. The model must import
   * {@code com.microsoft}; {@link #write} sees to that.
   *
   * @param gradients for each trainable parameter the name of the value that is its gradient
   * @param shapes of these parameters. The accumulator copies without looking at shapes, so each gradient is also
   *     declared to have its parameter's shape, for ONNX Runtime to check when it loads the model
   */
  public static void addAccumulators(
      GraphProto.Builder graph, Map<String, String> gradients, Map<String, long[]> shapes) {
    Set<String> declared = new HashSet<>();
    graph.getValueInfoList().forEach(value -> declared.add(value.getName()));
    graph.getInputList().forEach(value -> declared.add(value.getName()));
    graph.getOutputList().forEach(value -> declared.add(value.getName()));
    gradients.forEach((parameter, gradient) -> {
      long[] shape = shapes.get(parameter);
      if (shape == null) {
        throw new IllegalArgumentException("Parameter " + parameter + " has a gradient but no shape.");
      }
      if (declared.add(gradient)) {
        graph.addValueInfo(value(gradient, TensorProto.DataType.FLOAT, shape));
      }
      graph.addInput(value(parameter + BUFFER, TensorProto.DataType.FLOAT, shape));
      graph.addNode(NodeProto.newBuilder()
          .setDomain(MICROSOFT)
          .setOpType("InPlaceAccumulatorV2")
          .setName(parameter + "_grad.accumulation")
          .addInput(parameter + BUFFER)
          .addInput(gradient)
          .addInput(RESET)
          .addOutput(parameter + ACCUMULATED));
      graph.addOutput(value(parameter + ACCUMULATED, TensorProto.DataType.BOOL, 1));
    });
    graph.addInput(value(RESET, TensorProto.DataType.BOOL, 1));
  }

  /**
   * Appends running averages of parameters, updated in place by each training step: {@code average ← average + rate ·
   * (parameter − average)}, with the parameter's value before the optimizer step that follows. That keeps the
   * averages on the session's device and in its checkpoints, where reading all parameters in each step would copy them.
   *
   * @param averages for each parameter the name of its average, which this adds as a graph input; among the parameters
   *     of {@link #write} it is a frozen one of the same shape
   * @param shapes of these parameters
   * @param rate name of a user input that this adds: float scalar, 1 − decay; 0 leaves the averages as they are
   */
  public static void addMovingAverages(
      GraphProto.Builder graph, Map<String, String> averages, Map<String, long[]> shapes, String rate) {
    graph.addInput(value(rate, TensorProto.DataType.FLOAT));
    averages.forEach((parameter, average) -> {
      long[] shape = shapes.get(parameter);
      if (shape == null) {
        throw new IllegalArgumentException("Parameter " + parameter + " has a moving average but no shape.");
      }
      graph.addInput(value(average, TensorProto.DataType.FLOAT, shape));
      String difference = average + "_difference";
      String change = average + "_change";
      graph.addNode(NodeProto.newBuilder().setOpType("Sub").setName(difference)
          .addInput(parameter).addInput(average).addOutput(difference));
      graph.addNode(NodeProto.newBuilder().setOpType("Mul").setName(change)
          .addInput(difference).addInput(rate).addOutput(change));
      graph.addValueInfo(value(change, TensorProto.DataType.FLOAT, shape));
      // Its output is named as a gradient's so that it is not one of the user's.
      graph.addNode(NodeProto.newBuilder().setDomain(MICROSOFT).setOpType("InPlaceAccumulatorV2")
          .setName(average + "_accumulation").addInput(average).addInput(change).addOutput(average + ACCUMULATED));
      graph.addOutput(value(average + ACCUMULATED, TensorProto.DataType.BOOL, 1));
    });
  }

  /**
   * Writes the files into a directory, which is made if need be.
   *
   * @param parameters each a graph input of both models
   * @throws IllegalArgumentException if the models and the parameters do not fit together
   * @throws IOException if a file cannot be written
   */
  public static TrainingArtifacts write(Path directory, ModelProto training, Optional<ModelProto> eval,
      List<Parameter> parameters, AdamOptions adam) throws IOException {
    check(training.getGraph(), eval.map(ModelProto::getGraph), parameters);
    Files.createDirectories(directory);
    TrainingArtifacts artifacts = new TrainingArtifacts(directory.resolve("training_model.onnx"),
        eval.map(model -> directory.resolve("eval_model.onnx")), directory.resolve("optimizer_model.onnx"),
        directory.resolve("checkpoint"));
    write(withMicrosoftOperators(training), artifacts.trainingModel);
    if (eval.isPresent()) {
      write(withMicrosoftOperators(eval.get()), artifacts.evalModel.orElseThrow());
    }
    write(optimizer(adam), artifacts.optimizerModel);
    new Checkpoint(parameters, Optional.empty(), Map.of(TrainingSession.LEARNING_RATE, adam.learningRate()))
        .write(artifacts.checkpoint);
    return artifacts;
  }

  /** The same graphs, to go on from another checkpoint. */
  public TrainingArtifacts resumeFrom(Path otherCheckpoint) {
    return new TrainingArtifacts(trainingModel, evalModel, optimizerModel, otherCheckpoint);
  }

  private static void check(GraphProto training, Optional<GraphProto> eval, List<Parameter> parameters) {
    Map<String, Parameter> byName = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      if (byName.put(parameter.name(), parameter) != null) {
        throw new IllegalArgumentException("There are two parameters with the name " + parameter.name() + ".");
      }
    }
    List<String> order = parameterOrder(training, byName, "training");
    if (eval.isPresent() && !parameterOrder(eval.get(), byName, "evaluation").equals(order)) {
      throw new IllegalArgumentException("The evaluation model takes the parameters in another order than the training"
          + " model; ONNX Runtime passes them by position.");
    }
    Set<String> buffers = new TreeSet<>();
    training.getInputList().stream().map(ValueInfoProto::getName).filter(name -> name.endsWith(BUFFER))
        .forEach(name -> buffers.add(name.substring(0, name.length() - BUFFER.length())));
    Set<String> trainable = new TreeSet<>();
    parameters.stream().filter(Parameter::trainable).forEach(parameter -> trainable.add(parameter.name()));
    if (trainable.isEmpty()) {
      throw new IllegalArgumentException("No parameter is trainable.");
    }
    if (!buffers.equals(trainable)) {
      Set<String> different = new TreeSet<>(buffers);
      different.addAll(trainable);
      different.removeIf(name -> buffers.contains(name) && trainable.contains(name));
      throw new IllegalArgumentException(
          "These parameters have a gradient or are trainable, but not both: " + different);
    }
  }

  private static List<String> parameterOrder(GraphProto graph, Map<String, Parameter> parameters, String model) {
    Set<String> missing = new TreeSet<>(parameters.keySet());
    List<String> order = graph.getInputList().stream()
        .filter(input -> parameters.containsKey(input.getName()))
        .map(input -> {
          checkShape(input, parameters.get(input.getName()), model);
          missing.remove(input.getName());
          return input.getName();
        })
        .toList();
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "The " + model + " model lacks the parameters " + missing + " as graph inputs.");
    }
    return order;
  }

  private static void checkShape(ValueInfoProto input, Parameter parameter, String model) {
    TypeProto.Tensor type = input.getType().getTensorType();
    long[] shape = type.getShape().getDimList().stream()
        .mapToLong(dimension -> dimension.hasDimValue() ? dimension.getDimValue() : -1).toArray();
    if (type.getElemType() != TensorProto.DataType.FLOAT.getNumber() || !Arrays.equals(shape, parameter.shape())) {
      throw new IllegalArgumentException("The " + model + " model declares the parameter " + parameter.name()
          + " with another type or shape than float32 " + Arrays.toString(parameter.shape()) + ".");
    }
  }

  private static ModelProto withMicrosoftOperators(ModelProto model) {
    boolean imported = model.getOpsetImportList().stream().anyMatch(opset -> opset.getDomain().equals(MICROSOFT));
    return imported ? model : model.toBuilder().addOpsetImport(microsoftOperators()).build();
  }

  private static OperatorSetIdProto microsoftOperators() {
    return OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1).build();
  }

  private static ModelProto optimizer(AdamOptions adam) {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("optimizer")
        .addInput(value("learning_rate", TensorProto.DataType.FLOAT, 1))
        .addInput(value("step", TensorProto.DataType.INT64, 1));
    NodeProto.Builder node = NodeProto.newBuilder().setDomain(MICROSOFT).setOpType("AdamWOptimizer").setName("adam")
        .addInput("learning_rate").addInput("step");
    for (String sequence : List.of("params", "gradients", "first_order_moments", "second_order_moments")) {
      graph.addInput(sequence(sequence));
      node.addInput(sequence);
    }
    node.addOutput("updated_flag")
        .addAttribute(attribute("alpha", adam.beta1()))
        .addAttribute(attribute("beta", adam.beta2()))
        .addAttribute(attribute("epsilon", adam.epsilon()))
        .addAttribute(attribute("weight_decay", adam.weightDecay()))
        // Mode 0 is PyTorch's: the bias of both moments is corrected, and epsilon is added after that.
        .addAttribute(attribute("adam_mode", 0))
        .addAttribute(attribute("correct_bias", 1));
    graph.addNode(node).addOutput(value("updated_flag", TensorProto.DataType.BOOL, 1));
    return ModelProto.newBuilder().setIrVersion(IR_VERSION).setProducerName("lethe").setGraph(graph)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPTIMIZER_OPSET))
        .addOpsetImport(microsoftOperators())
        .build();
  }

  private static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.FLOAT).setF(value).build();
  }

  private static AttributeProto attribute(String name, int value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INT).setI(value).build();
  }

  static ValueInfoProto value(String name, TensorProto.DataType type, long... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (long dimension : shape) {
      dimensions.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
    }
    return ValueInfoProto.newBuilder().setName(name)
        .setType(TypeProto.newBuilder().setTensorType(
            TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(dimensions)))
        .build();
  }

  private static ValueInfoProto sequence(String name) {
    TypeProto element = TypeProto.newBuilder()
        .setTensorType(TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT.getNumber())).build();
    return ValueInfoProto.newBuilder().setName(name)
        .setType(TypeProto.newBuilder().setSequenceType(TypeProto.Sequence.newBuilder().setElemType(element)))
        .build();
  }

  private static void write(ModelProto model, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      model.writeTo(out);
    }
  }
}
