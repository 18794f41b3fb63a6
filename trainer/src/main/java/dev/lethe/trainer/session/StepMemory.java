package dev.lethe.trainer.session;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.lethe.models.runtime.Compute;

/** How much memory a step of training takes. */
final class StepMemory {

  private StepMemory() {}

  /**
   * On a CPU, without ONNX Runtime's memory pattern: it reserves from the second step on, as one piece, what the first
   * has left in the arena already, so that the process holds nearly all feature maps twice. A step takes as long
   * without (docs/results/large-models.md). On a GPU an allocation costs more, and stays planned.
   */
  static void keepLow(OrtSession.SessionOptions options, Compute compute) throws OrtException {
    if (compute.onCpu()) {
      options.setMemoryPatternOptimization(false);
    }
  }
}
