package dev.lethe.trainer.session;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Trains with a {@link TrainingSession} of ONNX Runtime. */
final class OrtTraining implements Learner {

  private static final String AVERAGE_RATE = "average_rate";

  private final TrainingSession session;
  private final Map<String, long[]> shapes;
  private final StepInputs inputs = new StepInputs();
  private final double multiplyAdds;
  private ComputeCost cost = ComputeCost.NONE;

  private OrtTraining(TrainingSession session, Map<String, long[]> shapes, double multiplyAdds) {
    this.session = session;
    this.shapes = shapes;
    this.multiplyAdds = multiplyAdds;
  }

  /** As {@link Learner#open}; writes the session's artifacts into the directory. */
  static OrtTraining open(TrainingObjective objective, Map<String, Tensor> weights, AdamOptions adam, Path directory,
      Optional<Path> checkpoint, Compute compute) throws IOException {
    TrainedModel trained = TrainedModel.of(objective, weights, compute, OnnxWriter.Operators.TRAINING);
    ModelProto.Builder model = trained.model().toBuilder();
    GraphProto.Builder proto = model.getGraphBuilder();
    if (!trained.averages().isEmpty()) {
      TrainingArtifacts.addMovingAverages(proto, trained.averages(), trained.shapes(), AVERAGE_RATE);
    }
    TrainingArtifacts.addAccumulators(proto, trained.gradients(), trained.shapes());
    TrainingArtifacts artifacts =
        TrainingArtifacts.write(directory, model.build(), Optional.empty(), trained.parameters(), adam);
    if (checkpoint.isPresent()) {
      trained.requireSame(checkpoint.get());
      artifacts = artifacts.resumeFrom(checkpoint.get());
    }
    return new OrtTraining(TrainingSession.open(artifacts, compute), trained.shapes(), trained.multiplyAdds());
  }

  @Override
  public StepOutputs step(Map<String, Tensor> floats, Map<String, Boolean> flags) {
    long started = System.nanoTime();
    inputs.putAll(floats, flags);
    StepOutputs outputs = session.trainStep(inputs.tensors());
    session.optimizerStep();
    session.lazyResetGrad();
    cost = cost.plus((System.nanoTime() - started) / 1e9, multiplyAdds);
    return outputs;
  }

  @Override
  public ComputeCost cost() {
    return cost;
  }

  @Override
  public void setLearningRate(double rate) {
    session.setLearningRate((float) rate);
  }

  @Override
  public void setAverageRate(double rate) {
    inputs.put(AVERAGE_RATE, new float[] {(float) rate});
  }

  @Override
  public void setNumber(String name, double value) {
    session.setNumber(name, (float) value);
  }

  @Override
  public double number(String name) {
    return session.number(name);
  }

  @Override
  public Map<String, Tensor> parameters() throws IOException {
    Map<String, float[]> values = session.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> tensors.put(name, new Tensor(shape, values.get(name))));
    return tensors;
  }

  @Override
  public Map<String, Tensor> averages() throws IOException {
    Map<String, float[]> values = session.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> tensors.put(name,
        new Tensor(shape, values.getOrDefault(TrainedModel.averageOf(name), values.get(name)))));
    return tensors;
  }

  @Override
  public void save(Path checkpoint) throws IOException {
    session.saveCheckpoint(checkpoint);
  }

  @Override
  public void close() {
    inputs.close();
    session.close();
  }
}
