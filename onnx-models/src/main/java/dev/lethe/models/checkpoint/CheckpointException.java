package dev.lethe.models.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A file is no checkpoint, a damaged one, or one that is not read; the message says what was found and where. */
public final class CheckpointException extends IOException {

  private static final long serialVersionUID = 1;

  /** The message without the place, which what contains the pickle says anew. */
  private final String bare;

  public CheckpointException(String message) {
    super(message);
    this.bare = message;
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
    this.bare = message;
  }

  private CheckpointException(String bare, String place, Throwable cause) {
    super(bare + place, cause);
    this.bare = bare;
  }

  /** The same of an operation of a pickle; of pickles within pickles the place in the outermost is what is said. */
  CheckpointException at(int operation) {
    return new CheckpointException(bare, " (at byte " + operation + " of the pickle)", this);
  }

  /** The same of a file: its name goes before the message. */
  public CheckpointException in(Path file) {
    return new CheckpointException(file + ": " + getMessage(), this);
  }
}
