package dev.lethe.trainer.session;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What learners of all kinds make of an objective.
 *
 * @param model its graph, with the trained parameters as inputs
 * @param gradients names of the values that are the gradients of the trained parameters, by parameter
 * @param shapes of the trained parameters
 * @param averages names of the moving averages by parameter
 * @param parameters initial values of trained parameters, then of averages
 * @param blocked whether the graph is one for {@link ChannelBlock#keep}
 * @param multiplyAdds of a step, as the objective was given
 */
record TrainedModel(ModelProto model, Map<String, String> gradients, Map<String, long[]> shapes,
    Map<String, String> averages, List<Parameter> parameters, boolean blocked, double multiplyAdds) {

  private static final String AVERAGE = "average:";

  /** @param operators that the learner's session has */
  static TrainedModel of(TrainingObjective given, Map<String, Tensor> weights, Compute compute,
      OnnxWriter.Operators operators) {
    boolean blocked = compute.onCpu() && ChannelBlock.size().isPresent();
    TrainingObjective objective = blocked ? given.inBlocks(ChannelBlock.size().getAsInt()) : given;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    Map<String, String> gradients = new LinkedHashMap<>();
    List<Parameter> parameters = new ArrayList<>();
    objective.graph().parameters().forEach((name, value) -> {
      Value gradient = objective.gradients().get(name);
      if (gradient != null) {
        shapes.put(name, value.shape());
        gradients.put(name, gradient.name());
        parameters.add(new Parameter(name, value.shape(), weights.get(name).data(), true));
      }
    });
    Map<String, String> averages = new LinkedHashMap<>();
    objective.averaged().forEach(name -> {
      averages.put(name, averageOf(name));
      parameters.add(new Parameter(averageOf(name), shapes.get(name), weights.get(name).data(), false));
    });
    ModelProto model = OnnxWriter.training(objective.graph(), objective.gradients().values(), shapes.keySet(), weights,
        operators);
    return new TrainedModel(model, gradients, shapes, averages, parameters, blocked, given.multiplyAdds());
  }

  /** Name of a parameter's moving average, in graphs and checkpoints. */
  static String averageOf(String parameter) {
    return AVERAGE + parameter;
  }

  /**
   * ONNX Runtime takes parameters of other shapes without a word, and its accumulators write past their ends.
   *
   * @throws IllegalArgumentException if the checkpoint is of other networks, with the first difference
   */
  Checkpoint requireSame(Path file) throws IOException {
    Checkpoint checkpoint = Checkpoint.read(file);
    Map<String, long[]> found = new LinkedHashMap<>();
    checkpoint.parameters().forEach(parameter -> found.put(parameter.name(), parameter.shape()));
    for (Parameter expected : parameters) {
      long[] shape = found.remove(expected.name());
      if (!Arrays.equals(expected.shape(), shape)) {
        throw ofOtherNetworks(file, expected.name() + " has the shape " + Arrays.toString(expected.shape())
            + ", there " + (shape == null ? "it is missing" : Arrays.toString(shape)));
      }
    }
    if (!found.isEmpty()) {
      throw ofOtherNetworks(file, "it has " + found.keySet() + " besides");
    }
    return checkpoint;
  }

  private static IllegalArgumentException ofOtherNetworks(Path checkpoint, String difference) {
    return new IllegalArgumentException("the checkpoint " + checkpoint + " is of other networks: " + difference
        + "; give the options that the run began with, or another directory");
  }
}
