package dev.lethe.bench.device;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Runs a command whose lines are rows of results, for so long at most: a native library may crash it, or never return.
 * All processes that it started end with it.
 */
final class StepProcess {

  private static final int QUOTED_LINES = 6;

  private StepProcess() {}

  /** The command of a step, in a Java virtual machine like this one. */
  static List<String> command(Step step, Setting setting) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), StepMain.class.getName(), step.name(),
        setting.device().toString(), setting.home().toString(), setting.work().toString()));
    if (setting.small()) {
      command.add(StepMain.SMALL);
    }
    return command;
  }

  /**
   * Runs it, and passes on each row when it comes; how it ended, if not well, is a row, too.
   *
   * @param log gets its standard error
   */
  static void run(List<String> command, Duration limit, Path log, Consumer<Figures> rows)
      throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    AtomicBoolean late = new AtomicBoolean();
    AtomicBoolean failed = new AtomicBoolean();
    CompletableFuture<Void> watch = CompletableFuture.runAsync(() -> {
      late.set(true);
      end(process);
    }, CompletableFuture.delayedExecutor(limit.toMillis(), TimeUnit.MILLISECONDS));
    Thread hook = new Thread(() -> end(process), "step-cleanup");
    Runtime.getRuntime().addShutdownHook(hook);
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("{")) {
          Figures row = Figures.parse(line);
          failed.compareAndSet(false, row.cells().containsKey(Figures.NOTE));
          rows.accept(row);
        }
      }
    } catch (IOException e) {
      // The pipe of a process that was ended.
      if (!late.get()) {
        throw e;
      }
    }
    int status = process.waitFor();
    watch.cancel(false);
    Runtime.getRuntime().removeShutdownHook(hook);
    if (late.get()) {
      rows.accept(Figures.of(Figures.NOTE, "ended after " + limit.toSeconds() + " s, its limit"));
    } else if (status != 0 && !failed.get()) {
      rows.accept(Figures.of(Figures.NOTE, "ended with status " + status + ": " + lastLines(log)));
    }
  }

  private static void end(Process process) {
    List<ProcessHandle> children = process.descendants().toList();
    process.destroyForcibly();
    children.forEach(ProcessHandle::destroyForcibly);
  }

  private static String lastLines(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join(" / ", lines.subList(Math.max(0, lines.size() - QUOTED_LINES), lines.size()));
  }
}
