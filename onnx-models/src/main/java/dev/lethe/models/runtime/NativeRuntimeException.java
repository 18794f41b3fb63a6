package dev.lethe.models.runtime;

/** ONNX Runtime's native libraries cannot be used as asked; the message says why and what to do. */
public final class NativeRuntimeException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  NativeRuntimeException(String message) {
    super(message);
  }

  NativeRuntimeException(String message, Throwable cause) {
    super(message, cause);
  }
}
