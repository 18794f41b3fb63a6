package dev.lethe.bench.targets;

import dev.lethe.bench.load.Format;
import java.io.IOException;
import java.time.Duration;

/** A process that generates images. One is measured while the others are idle. */
public sealed interface Target extends AutoCloseable permits RawTarget, ServedTarget {

  String name();

  /** From the start of the process to its first image. */
  double startSeconds();

  /** Keeps it as busy as it can be. */
  Saturation saturate(Format format, Duration duration) throws IOException, InterruptedException;

  /** The median time of one image with nothing else to do, in milliseconds. */
  double aloneMillis(Format format, Duration duration) throws IOException, InterruptedException;

  @Override
  void close();
}
