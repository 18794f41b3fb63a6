package dev.lethe.trainer.data;

import java.nio.file.Path;

/** A data set of a known format that has no such split. */
public final class MissingSplitException extends DatasetException {

  private static final long serialVersionUID = 1;

  MissingSplitException(Path where, Split split, String whatToDo) {
    super(where, "no " + split + " split: " + whatToDo);
  }
}
