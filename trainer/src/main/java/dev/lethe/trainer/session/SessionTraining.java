package dev.lethe.trainer.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.files.WholeFile;
import dev.lethe.models.graph.OnnxWriter;
import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.ChannelBlock;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.NativeRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Trains with an ordinary session of ONNX Runtime, whose graph computes outputs, gradients and Adam's update
 * ({@link StepModel}). What a step changes is in vectors of all parameters, in memory that this class holds: each has
 * two buffers, and a step reads one and writes the other, without copies.
 */
final class SessionTraining implements Learner {

  /** A vector that a step changes. */
  private static final class State implements AutoCloseable {
    private final FloatBuffer[] buffers = new FloatBuffer[2];
    private final OnnxTensor[] tensors = new OnnxTensor[2];
    private int present;

    State(OrtEnvironment environment, int size) throws OrtException {
      for (int i = 0; i < 2; i++) {
        buffers[i] = ByteBuffer.allocateDirect(Math.multiplyExact(size, Float.BYTES)).order(ByteOrder.nativeOrder())
            .asFloatBuffer();
        tensors[i] = OnnxTensor.createTensor(environment, buffers[i], new long[] {size});
      }
    }

    FloatBuffer values() {
      return buffers[present];
    }

    @Override
    public void close() {
      tensors[0].close();
      tensors[1].close();
    }
  }

  private final TrainedModel trained;
  private final StepModel model;
  private final AdamOptions adam;
  private final OrtSession session;
  private final Set<String> outputs;
  private final Map<String, State> states = new LinkedHashMap<>();
  private final StepInputs inputs = new StepInputs();
  private final Map<String, Float> numbers = new HashMap<>();
  private ComputeCost cost = ComputeCost.NONE;
  private long steps;
  private boolean closed;

  private SessionTraining(TrainedModel trained, StepModel model, AdamOptions adam, OrtSession session,
      OrtEnvironment environment) throws OrtException {
    this.trained = trained;
    this.model = model;
    this.adam = adam;
    this.session = session;
    Set<String> names = new LinkedHashSet<>(session.getOutputInfo().keySet());
    for (Map.Entry<String, Integer> state : model.states().entrySet()) {
      states.put(state.getKey(), new State(environment, state.getValue()));
      names.remove(StepModel.next(state.getKey()));
    }
    this.outputs = names;
    setLearningRate(adam.learningRate());
  }

  /** As {@link Learner#open}. */
  static SessionTraining open(TrainingObjective objective, Map<String, Tensor> weights, AdamOptions adam,
      Optional<Path> checkpoint, Compute compute) throws IOException {
    TrainedModel trained = TrainedModel.of(objective, weights, compute, OnnxWriter.Operators.STANDARD);
    StepModel model = StepModel.of(trained, adam);
    NativeRuntime runtime = NativeRuntime.load();
    SessionTraining training;
    try (OrtSession.SessionOptions options = runtime.sessionOptions(compute)) {
      StepMemory.keepLow(options, compute);
      if (trained.blocked()) {
        ChannelBlock.keep(options);
      }
      OrtSession session = runtime.environment().createSession(model.model().toByteArray(), options);
      training = new SessionTraining(trained, model, adam, session, runtime.environment());
    } catch (OrtException e) {
      throw new TrainingException("Cannot open a session to train with", e);
    }
    if (checkpoint.isPresent()) {
      training.restore(trained.requireSame(checkpoint.get()));
    } else {
      training.restore(new Checkpoint(trained.parameters(), Optional.empty(), Map.of()));
    }
    return training;
  }

  private void restore(Checkpoint checkpoint) {
    Map<String, float[]> values = checkpoint.values();
    fill(StepModel.PARAMETERS, values);
    if (states.containsKey(StepModel.AVERAGES)) {
      FloatBuffer averages = states.get(StepModel.AVERAGES).values().rewind();
      trained.averages().values().forEach(name -> averages.put(values.get(name)));
    }
    checkpoint.optimizer().ifPresent(state -> {
      steps = state.step();
      fill(StepModel.FIRST, moments(state, true));
      fill(StepModel.SECOND, moments(state, false));
    });
    numbers.putAll(checkpoint.numbers());
  }

  private static Map<String, float[]> moments(Checkpoint.OptimizerState state, boolean first) {
    Map<String, float[]> moments = new HashMap<>();
    state.moments().forEach((name, both) -> moments.put(name, first ? both.first() : both.second()));
    return moments;
  }

  private void fill(String state, Map<String, float[]> values) {
    FloatBuffer buffer = states.get(state).values().rewind();
    trained.shapes().keySet().forEach(name -> buffer.put(values.get(name)));
  }

  @Override
  public StepOutputs step(Map<String, Tensor> floats, Map<String, Boolean> flags) {
    long started = System.nanoTime();
    inputs.putAll(floats, flags);
    double rate = numbers.get(TrainingSession.LEARNING_RATE);
    inputs.put(StepModel.RATE, new float[] {(float) (rate / (1 - Math.pow(adam.beta1(), steps + 1)))});
    inputs.put(StepModel.SECOND_SCALE, new float[] {(float) (1 / (1 - Math.pow(adam.beta2(), steps + 1)))});
    inputs.put(StepModel.KEPT, new float[] {(float) (1 - rate * adam.weightDecay())});
    requireInputs();
    Map<String, OnnxTensor> feeds = new HashMap<>(inputs.tensors());
    Map<String, OnnxTensor> pinned = new HashMap<>();
    states.forEach((name, state) -> {
      feeds.put(name, state.tensors[state.present]);
      pinned.put(StepModel.next(name), state.tensors[1 - state.present]);
    });
    StepOutputs found;
    try (OrtSession.Result result = session.run(feeds, outputs, pinned)) {
      found = StepOutputs.of(result, outputs);
    } catch (OrtException e) {
      throw new TrainingException("Training step", e);
    }
    states.values().forEach(state -> state.present = 1 - state.present);
    steps++;
    cost = cost.plus((System.nanoTime() - started) / 1e9, trained.multiplyAdds());
    return found;
  }

  private void requireInputs() {
    if (!inputs.tensors().keySet().equals(model.inputs())) {
      throw new IllegalArgumentException(
          "The inputs are " + inputs.tensors().keySet() + ", the model takes " + model.inputs() + ".");
    }
  }

  @Override
  public ComputeCost cost() {
    return cost;
  }

  @Override
  public void setLearningRate(double rate) {
    numbers.put(TrainingSession.LEARNING_RATE, (float) rate);
  }

  @Override
  public void setAverageRate(double rate) {
    inputs.put(StepModel.AVERAGE_RATE, new float[] {(float) rate});
  }

  @Override
  public void setNumber(String name, double value) {
    TrainingSession.requireFree(name);
    numbers.put(name, (float) value);
  }

  @Override
  public double number(String name) {
    Float found = numbers.get(name);
    if (found == null) {
      throw new TrainingException("There is no number " + name + ", only " + numbers.keySet() + ".");
    }
    return found;
  }

  @Override
  public Map<String, Tensor> parameters() {
    return read(StepModel.PARAMETERS, trained.shapes().keySet());
  }

  @Override
  public Map<String, Tensor> averages() {
    Map<String, Tensor> values = parameters();
    if (!trained.averages().isEmpty()) {
      values.putAll(read(StepModel.AVERAGES, trained.averages().keySet()));
    }
    return values;
  }

  /** Pieces of a vector, for parameters in their order. */
  private Map<String, Tensor> read(String state, Set<String> names) {
    FloatBuffer buffer = states.get(state).values().rewind();
    Map<String, Tensor> values = new LinkedHashMap<>();
    for (String name : names) {
      Tensor value = Tensor.zeros(trained.shapes().get(name));
      buffer.get(value.data());
      values.put(name, value);
    }
    return values;
  }

  @Override
  public void save(Path checkpoint) throws IOException {
    List<Parameter> parameters = new ArrayList<>();
    parameters().forEach((name, value) -> parameters.add(new Parameter(name, value.shape(), value.data(), true)));
    if (!trained.averages().isEmpty()) {
      read(StepModel.AVERAGES, trained.averages().keySet()).forEach((name, value) ->
          parameters.add(new Parameter(TrainedModel.averageOf(name), value.shape(), value.data(), false)));
    }
    Map<String, Tensor> first = read(StepModel.FIRST, trained.shapes().keySet());
    Map<String, Tensor> second = read(StepModel.SECOND, trained.shapes().keySet());
    Map<String, Checkpoint.Moments> moments = new LinkedHashMap<>();
    first.forEach((name, value) -> moments.put(name, new Checkpoint.Moments(value.data(), second.get(name).data())));
    WholeFile.write(checkpoint,
        new Checkpoint(parameters, Optional.of(new Checkpoint.OptimizerState(steps, moments)), numbers)::write);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    inputs.close();
    states.values().forEach(State::close);
    try {
      session.close();
    } catch (OrtException e) {
      throw new TrainingException("Closing the session", e);
    }
  }
}
