package dev.lethe.models.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A file is no checkpoint, a damaged one, or one that is not read; the message says what was found and where. */
public final class CheckpointException extends IOException {

  private static final long serialVersionUID = 1;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same of a file: its name goes before the message. */
  public CheckpointException in(Path file) {
    return new CheckpointException(file + ": " + getMessage(), this);
  }
}
