package dev.lethe.trainer.data;

import java.io.IOException;
import java.nio.file.Path;

/** A way that data sets lie on disk. */
interface DatasetFormat {

  /** True when {@code path} holds, or seems meant to hold, a data set of this format. */
  boolean recognises(Path path) throws IOException;

  /** Reads a split into memory. */
  ImageDataset read(Path path, Split split) throws IOException;

  /** What is looked for, in a few words, for the message that nothing was found. */
  String description();
}
