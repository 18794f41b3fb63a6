package dev.lethe.bench.targets;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process that is measured, with all that it starts. It ends with this one. */
final class TargetProcess implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int QUOTED_LINES = 15;

  private final Process process;
  private final Path log;
  private final long started;
  private final boolean reading;
  private final Thread hook = new Thread(this::end, "bench-cleanup");

  private TargetProcess(Process process, Path log, long started, boolean reading) {
    this.process = process;
    this.reading = reading;
    this.log = log;
    this.started = started;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * @param environment variables besides those of this process
   * @param log gets standard error; and standard output, unless it is read here
   * @param reading whether it is; such a process ends when its standard input does
   */
  static TargetProcess start(List<String> command, Map<String, String> environment, Path log, boolean reading)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    if (!reading) {
      builder.redirectErrorStream(true).redirectOutput(log.toFile());
    }
    builder.environment().putAll(environment);
    long started = System.nanoTime();
    return new TargetProcess(builder.start(), log, started, reading);
  }

  Process process() {
    return process;
  }

  double secondsSinceStart() {
    return (System.nanoTime() - started) / 1e9;
  }

  /** @throws IOException if it has ended, with the last lines that it printed */
  void requireAlive(String name) throws IOException {
    if (!process.isAlive()) {
      throw new IOException(name + " ended with " + process.exitValue() + "; its last lines:\n" + lastLines());
    }
  }

  String lastLines() throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - QUOTED_LINES), lines.size()));
  }

  /** Processor time of all its processes, in seconds. */
  double cpuSeconds() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .mapToDouble(handle -> handle.info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9)
        .sum();
  }

  @Override
  public void close() {
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // This process is ending: the hook runs, and finds nothing left to do.
    }
  }

  private void end() {
    List<ProcessHandle> children = process.descendants().toList();
    try {
      if (reading) {
        // A signal could find native code at work, whose own shutdown does not wait for it.
        process.getOutputStream().close();
      } else {
        process.destroy();
      }
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    children.forEach(ProcessHandle::destroyForcibly);
  }
}
