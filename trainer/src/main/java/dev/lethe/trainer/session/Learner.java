package dev.lethe.trainer.session;

import dev.lethe.models.graph.Tensor;
import dev.lethe.models.runtime.Compute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Trains parameters of a graph, each along the gradient that the graph computes for it, by Adam. Parameters without a
 * gradient are frozen. Not thread-safe.
 */
public interface Learner extends AutoCloseable {

  /** Opens a learner of the {@linkplain LearnerKind#usual usual} kind. */
  static Learner open(TrainingObjective objective, Map<String, Tensor> weights, AdamOptions adam, Path directory,
      Optional<Path> checkpoint, Compute compute) throws IOException {
    return open(LearnerKind.usual(), objective, weights, adam, directory, checkpoint, compute);
  }

  /**
   * Opens a learner.
   *
   * @param weights initial values of every parameter that the graph needs, by name; averages start from them too
   * @param directory for files that the learner makes; they are of no use when it is closed
   * @param checkpoint to go on from, of the same objective, whichever kind of learner wrote it; empty to start from
   *     {@code weights}
   * @throws IllegalArgumentException if the checkpoint is of another objective
   * @throws IOException if a file cannot be written, or the checkpoint not be read
   */
  static Learner open(LearnerKind kind, TrainingObjective objective, Map<String, Tensor> weights, AdamOptions adam,
      Path directory, Optional<Path> checkpoint, Compute compute) throws IOException {
    return switch (kind) {
      case ORT -> OrtTraining.open(objective, weights, adam, directory, checkpoint, compute);
      case SESSION -> SessionTraining.open(objective, weights, adam, checkpoint, compute);
    };
  }

  /**
   * One step: outputs and gradients at the present parameters, then Adam.
   *
   * @param floats the graph's float inputs by name; those of earlier steps stay where they are not replaced
   * @param flags its bool inputs, likewise
   * @throws IllegalArgumentException if an input is missing or unknown
   * @throws TrainingException if ONNX Runtime fails, for example because of an input's shape
   */
  StepOutputs step(Map<String, Tensor> floats, Map<String, Boolean> flags);

  /** What all steps so far took; what branches compute is not counted in their arithmetic. */
  ComputeCost cost();

  /** Takes effect with the next step, and is kept in checkpoints. */
  void setLearningRate(double rate);

  /** 1 − decay of the moving averages, to be set before the first step of an objective that has them. */
  void setAverageRate(double rate);

  /** Keeps a number of the caller's in checkpoints, in single precision. */
  void setNumber(String name, double value);

  /**
   * A number that was set, or that the checkpoint had.
   *
   * @throws TrainingException if there is none of that name
   */
  double number(String name);

  /** Present values of the trained parameters. */
  Map<String, Tensor> parameters() throws IOException;

  /** Present values of the trained parameters, or where there is one their moving average. */
  Map<String, Tensor> averages() throws IOException;

  /**
   * Writes a checkpoint to go on from, exactly, with a learner of any kind. The file is there completely or not at all.
   *
   * @throws IOException if it cannot be written; a file of that name from before is then still there
   */
  void save(Path checkpoint) throws IOException;

  @Override
  void close();
}
