package dev.lethe.trainer.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtTrainingSession;
import dev.lethe.models.files.WholeFile;
import dev.lethe.models.runtime.Compute;
import dev.lethe.models.runtime.NativeRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A training session of ONNX Runtime. One iteration is
 *
 * <pre>
 * session.lazyResetGrad();
 * session.trainStep(inputs);   // more than once adds up gradients
 * session.optimizerStep();
 * </pre>
 *
 * <p>How ONNX Runtime behaves, as tested with 1.28:
 *
 * <ul>
 *   <li>A step takes all inputs and computes all outputs of its model; there is no choosing. It matches both by
 *       position, so this class sorts inputs by name. Inputs have any type (float32, int64, bool, ...), outputs that
 *       are read here are float32.
 *   <li>Operators in the branch of an {@code If} that is not taken are not run, and a branch may use parameters of the
 *       outer graph, also parameters that nothing else uses.
 *   <li>The gradient buffers are no part of a checkpoint: save after an optimizer step, not between accumulating steps.
 *   <li>A checkpoint of ONNX Runtime does not have the learning rate; this class keeps it there as a number.
 * </ul>
 *
 * <p>Not thread-safe. All native memory is freed by {@link #close}; steps leave nothing to close behind.
 */
public final class TrainingSession implements AutoCloseable {

  /** The checkpoint's number that has the learning rate. */
  static final String LEARNING_RATE = "learning_rate";

  private final OrtTrainingSession session;
  private final Path directory;
  private boolean closed;

  private TrainingSession(OrtTrainingSession session, Path directory) {
    this.session = session;
    this.directory = directory;
  }

  /**
   * Starts from the artifacts' checkpoint: parameters, the optimizer's state if it has one, the learning rate.
   *
   * @param threads inside an operator on the CPU; 0 for one on each core
   * @throws dev.lethe.models.runtime.NativeRuntimeException if the device cannot be used
   * @throws TrainingException if ONNX Runtime refuses a file
   */
  public static TrainingSession open(TrainingArtifacts artifacts, Compute compute) {
    NativeRuntime runtime = NativeRuntime.load();
    OrtTrainingSession opened = null;
    try (OrtSession.SessionOptions options = runtime.sessionOptions(compute)) {
      StepMemory.keepLow(options, compute);
      // Else a gradient of another shape than its parameter's, as declared, would pass and overwrite foreign memory.
      options.addConfigEntry("session.strict_shape_type_inference", "1");
      opened = runtime.environment().createTrainingSession(artifacts.checkpoint().toString(),
          artifacts.trainingModel().toString(), artifacts.evalModel().map(Path::toString).orElse(null),
          artifacts.optimizerModel().toString(), options);
      opened.setLearningRate(opened.getFloatProperty(LEARNING_RATE));
      return new TrainingSession(opened, artifacts.trainingModel().toAbsolutePath().getParent());
    } catch (OrtException e) {
      if (opened != null) {
        opened.close();
      }
      throw new TrainingException("Cannot open a training session with " + artifacts, e);
    }
  }

  /** The inputs of {@link #trainStep}. */
  public Set<String> inputNames() {
    return session.getTrainInputNames();
  }

  /** The outputs of {@link #trainStep}. */
  public Set<String> outputNames() {
    return session.getTrainOutputNames();
  }

  /**
   * Runs the training model, which leaves gradients in the session.
   *
   * @param inputs all of {@link #inputNames}, in any order; still the caller's
   * @return all of {@link #outputNames}
   * @throws IllegalArgumentException if an input is missing or unknown, or an output is not float32
   * @throws TrainingException if ONNX Runtime fails, for example because of an input's shape or type
   */
  public StepOutputs trainStep(Map<String, OnnxTensor> inputs) {
    try (OrtSession.Result result = session.trainStep(sorted(inputs, session.getTrainInputNames()))) {
      return StepOutputs.of(result, session.getTrainOutputNames());
    } catch (OrtException e) {
      throw new TrainingException("Training step", e);
    }
  }

  /**
   * Runs the evaluation model with the parameters as they are.
   *
   * @throws IllegalArgumentException if an input is missing or unknown, or an output is not float32
   * @throws TrainingException if there is no evaluation model or ONNX Runtime fails
   */
  public StepOutputs evalStep(Map<String, OnnxTensor> inputs) {
    try (OrtSession.Result result = session.evalStep(sorted(inputs, session.getEvalInputNames()))) {
      return StepOutputs.of(result, session.getEvalOutputNames());
    } catch (OrtException e) {
      throw new TrainingException("Evaluation step", e);
    }
  }

  /** The native call takes positions and ignores the names that it is given. */
  private static Map<String, OnnxTensor> sorted(Map<String, OnnxTensor> inputs, Set<String> names) {
    if (!inputs.keySet().equals(names)) {
      throw new IllegalArgumentException("The inputs are " + inputs.keySet() + ", the model takes " + names + ".");
    }
    Map<String, OnnxTensor> sorted = new LinkedHashMap<>();
    names.forEach(name -> sorted.put(name, inputs.get(name)));
    return sorted;
  }

  /**
   * Updates the trainable parameters with the gradients that are there, and counts a step.
   *
   * @throws TrainingException if ONNX Runtime fails
   */
  public void optimizerStep() {
    run("Optimizer step", session::optimizerStep);
  }

  /** Makes the next {@link #trainStep} overwrite the gradients instead of adding to them. */
  public void lazyResetGrad() {
    run("Resetting gradients", session::lazyResetGrad);
  }

  /** Takes effect with the next optimizer step, and is kept in checkpoints. */
  public void setLearningRate(float rate) {
    run("Setting the learning rate", () -> {
      session.setLearningRate(rate);
      session.addProperty(LEARNING_RATE, rate);
    });
  }

  public float learningRate() {
    return read("Reading the learning rate", session::getLearningRate);
  }

  static void requireFree(String number) {
    if (number.equals(LEARNING_RATE)) {
      throw new IllegalArgumentException("The number " + number + " is set with setLearningRate.");
    }
  }

  /** Keeps a number of the caller's in checkpoints, such as the progress of training; replaces one of that name. */
  public void setNumber(String name, float value) {
    requireFree(name);
    run("Setting the number " + name, () -> session.addProperty(name, value));
  }

  /**
   * A number that was set in this session, or in the one whose checkpoint it was opened with.
   *
   * @throws TrainingException if there is none of that name
   */
  public float number(String name) {
    return read("Reading the number " + name, () -> session.getFloatProperty(name));
  }

  /**
   * Writes everything that a session needs to go on exactly as this one would: parameters, the optimizer's state,
   * numbers. The file is there completely or not at all. {@link TrainingArtifacts#resumeFrom} takes it.
   *
   * @throws IOException if it cannot be written; a file of that name from before is then still there
   */
  public void saveCheckpoint(Path file) throws IOException {
    WholeFile.write(file, partial -> save(partial, true));
  }

  /**
   * All parameters with their present values, from whatever device they are on, trainable ones first, each kind sorted
   * by name. Takes a file of their size beside the training model, so not for each step: see {@link
   * TrainingArtifacts#addMovingAverages} for what would need that.
   *
   * @return row-major values by name; the caller's
   * @throws IOException if the file cannot be written or read
   */
  public Map<String, float[]> parameters() throws IOException {
    Path file = Files.createTempFile(directory, "parameters", ".partial");
    try {
      save(file, false);
      return Checkpoint.read(file).values();
    } finally {
      Files.delete(file);
    }
  }

  private void save(Path file, boolean withOptimizer) throws IOException {
    try {
      session.saveCheckpoint(file, withOptimizer);
    } catch (OrtException e) {
      throw new IOException("Cannot write the checkpoint " + file + ": " + e.getMessage(), e);
    }
  }

  /** Frees the native memory; further calls do nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.close();
    }
  }

  private interface Action {
    void run() throws OrtException;
  }

  private interface Value {
    float read() throws OrtException;
  }

  private static void run(String what, Action action) {
    try {
      action.run();
    } catch (OrtException e) {
      throw new TrainingException(what, e);
    }
  }

  private static float read(String what, Value value) {
    try {
      return value.read();
    } catch (OrtException e) {
      throw new TrainingException(what, e);
    }
  }
}
