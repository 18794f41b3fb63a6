package dev.lethe.trainer.data;

import java.io.IOException;
import java.nio.file.Path;

/** A data set that cannot be read as it is; the message names the file, what is wrong, and what was expected. */
public sealed class DatasetException extends IOException permits MissingSplitException {

  private static final long serialVersionUID = 1;

  DatasetException(Path where, String what) {
    super(where + ": " + what);
  }

  DatasetException(Path where, String what, Throwable cause) {
    super(where + ": " + what, cause);
  }
}
