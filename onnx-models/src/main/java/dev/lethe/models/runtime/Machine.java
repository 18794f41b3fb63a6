package dev.lethe.models.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Names the kind of machine that figures were taken on. */
public final class Machine {

  private Machine() {}

  /** For example {@code AMD EPYC, 2 cores}, and the accelerator when one is used. */
  public static String describe(ExecutionDevice device) {
    String processor = firstLine(Path.of("/proc/cpuinfo"), "model name");
    int cores = Runtime.getRuntime().availableProcessors();
    String description = processor + ", " + cores + (cores == 1 ? " core" : " cores");
    if (device instanceof ExecutionDevice.Cuda cuda) {
      return gpu(cuda.id()) + " (" + description + ")";
    }
    return description;
  }

  private static String gpu(int id) {
    try {
      Process process = new ProcessBuilder("nvidia-smi", "--id=" + id, "--query-gpu=name", "--format=csv,noheader")
          .start();
      String name = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return name.isEmpty() ? "NVIDIA GPU" : name.lines().findFirst().orElseThrow();
    } catch (IOException e) {
      return "NVIDIA GPU";
    }
  }

  private static String firstLine(Path file, String key) {
    try {
      return Files.readAllLines(file).stream().filter(line -> line.startsWith(key)).findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse(System.getProperty("os.arch"));
    } catch (IOException e) {
      return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }
  }
}
