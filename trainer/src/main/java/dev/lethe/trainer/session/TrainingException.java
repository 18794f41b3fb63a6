package dev.lethe.trainer.session;

/** ONNX Runtime refused a training graph, an input, or a step; the message has its reason. */
public final class TrainingException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  TrainingException(String message) {
    super(message);
  }

  TrainingException(String message, Throwable cause) {
    super(message + ": " + cause.getMessage(), cause);
  }
}
