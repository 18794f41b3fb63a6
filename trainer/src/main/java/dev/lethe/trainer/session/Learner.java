package dev.lethe.trainer.session;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.graph.Value;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.ExecutionDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Trains parameters of a graph, each along the gradient that the graph computes for it. Parameters without a gradient
 * are frozen: they become constants of the training model. Not thread-safe.
 */
public final class Learner implements AutoCloseable {

  private static final String AVERAGE = "average:";
  private static final String AVERAGE_RATE = "average_rate";

  private final TrainingSession session;
  private final Map<String, long[]> shapes;
  private final StepInputs inputs = new StepInputs();
  private final double multiplyAdds;
  private ComputeCost cost = ComputeCost.NONE;

  private Learner(TrainingSession session, Map<String, long[]> shapes, double multiplyAdds) {
    this.session = session;
    this.shapes = shapes;
    this.multiplyAdds = multiplyAdds;
  }

  /**
   * Writes the artifacts and opens a session on them.
   *
   * @param weights initial values of every parameter that the graph needs, by name; averages start from them too
   * @param directory for the artifacts
   * @param checkpoint to go on from, of the same problem; empty to start from {@code weights}
   * @param threads threads within an operator; 0 for one on each core
   * @throws IllegalArgumentException if the checkpoint is of another problem
   * @throws IOException if the artifacts cannot be written, or the checkpoint not be read
   */
  public static Learner open(TrainingObjective given, Map<String, Tensor> weights, AdamOptions adam, Path directory,
      Optional<Path> checkpoint, ExecutionDevice device, int threads) throws IOException {
    TrainingObjective objective = device.equals(ExecutionDevice.CPU) && ChannelBlock.size().isPresent()
        ? given.inBlocks(ChannelBlock.size().getAsInt()) : given;
    Map<String, long[]> shapes = new LinkedHashMap<>();
    Map<String, String> gradientNames = new LinkedHashMap<>();
    List<Parameter> parameters = new ArrayList<>();
    objective.graph().parameters().forEach((name, value) -> {
      Value gradient = objective.gradients().get(name);
      if (gradient != null) {
        shapes.put(name, value.shape());
        gradientNames.put(name, gradient.name());
        parameters.add(new Parameter(name, value.shape(), weights.get(name).data(), true));
      }
    });
    ModelProto.Builder model =
        OnnxWriter.training(objective.graph(), objective.gradients().values(), shapes.keySet(), weights).toBuilder();
    GraphProto.Builder proto = model.getGraphBuilder();
    Map<String, String> averages = new LinkedHashMap<>();
    objective.averaged().forEach(name -> averages.put(name, AVERAGE + name));
    averages.forEach((name, average) -> {
      parameters.add(new Parameter(average, shapes.get(name), weights.get(name).data(), false));
    });
    if (!averages.isEmpty()) {
      TrainingArtifacts.addMovingAverages(proto, averages, shapes, AVERAGE_RATE);
    }
    TrainingArtifacts.addAccumulators(proto, gradientNames, shapes);
    TrainingArtifacts artifacts =
        TrainingArtifacts.write(directory, model.build(), Optional.empty(), parameters, adam);
    if (checkpoint.isPresent()) {
      requireSame(parameters, checkpoint.get());
      artifacts = artifacts.resumeFrom(checkpoint.get());
    }
    return new Learner(TrainingSession.open(artifacts, device, threads), shapes, given.multiplyAdds());
  }

  /** ONNX Runtime takes parameters of other shapes without a word, and its accumulators write past their ends. */
  private static void requireSame(List<Parameter> parameters, Path checkpoint) throws IOException {
    Map<String, long[]> found = new LinkedHashMap<>();
    Checkpoint.read(checkpoint).parameters().forEach(parameter -> found.put(parameter.name(), parameter.shape()));
    for (Parameter expected : parameters) {
      long[] shape = found.remove(expected.name());
      if (!Arrays.equals(expected.shape(), shape)) {
        throw ofOtherNetworks(checkpoint, expected.name() + " has the shape " + Arrays.toString(expected.shape())
            + ", there " + (shape == null ? "it is missing" : Arrays.toString(shape)));
      }
    }
    if (!found.isEmpty()) {
      throw ofOtherNetworks(checkpoint, "it has " + found.keySet() + " besides");
    }
  }

  private static IllegalArgumentException ofOtherNetworks(Path checkpoint, String difference) {
    return new IllegalArgumentException("the checkpoint " + checkpoint + " is of other networks: " + difference
        + "; give the options that the run began with, or another directory");
  }

  /**
   * One step: outputs and gradients at the present parameters, then Adam.
   *
   * @param floats the graph's float inputs by name; those of earlier steps stay where they are not replaced
   * @param flags its bool inputs, likewise
   */
  public StepOutputs step(Map<String, Tensor> floats, Map<String, Boolean> flags) {
    long started = System.nanoTime();
    StepOutputs outputs = accumulate(floats, flags);
    update();
    cost = cost.plus((System.nanoTime() - started) / 1e9, multiplyAdds);
    return outputs;
  }

  /** What all steps so far took; what branches compute is not counted in their arithmetic. */
  public ComputeCost cost() {
    return cost;
  }

  /** Outputs and gradients, which add up until {@link #update}. */
  public StepOutputs accumulate(Map<String, Tensor> floats, Map<String, Boolean> flags) {
    floats.forEach((name, tensor) -> inputs.put(name, tensor.data(), tensor.shape()));
    flags.forEach(inputs::put);
    return session.trainStep(inputs.tensors());
  }

  /** Adam, with the gradients accumulated since the last time. */
  public void update() {
    session.optimizerStep();
    session.lazyResetGrad();
  }

  public void setLearningRate(double rate) {
    session.setLearningRate((float) rate);
  }

  /** 1 − decay of the moving averages, to be set before the first step of a problem that has them. */
  public void setAverageRate(double rate) {
    inputs.put(AVERAGE_RATE, new float[] {(float) rate});
  }

  /** Keeps a number of the caller's in checkpoints. */
  public void setNumber(String name, double value) {
    session.setNumber(name, (float) value);
  }

  /** A number that was set, or that the checkpoint had. */
  public double number(String name) {
    return session.number(name);
  }

  /** Present values of the trained parameters. */
  public Map<String, Tensor> parameters() throws IOException {
    Map<String, float[]> values = session.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> tensors.put(name, new Tensor(shape, values.get(name))));
    return tensors;
  }

  /** Present values of the trained parameters, or where there is one their moving average. */
  public Map<String, Tensor> averages() throws IOException {
    Map<String, float[]> values = session.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) ->
        tensors.put(name, new Tensor(shape, values.getOrDefault(AVERAGE + name, values.get(name)))));
    return tensors;
  }

  /** Writes a checkpoint to go on from, exactly. */
  public void save(Path checkpoint) throws IOException {
    session.saveCheckpoint(checkpoint);
  }

  @Override
  public void close() {
    inputs.close();
    session.close();
  }
}
