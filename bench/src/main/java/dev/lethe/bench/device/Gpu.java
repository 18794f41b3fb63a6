package dev.lethe.bench.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What the driver says of a GPU, beside its name. */
final class Gpu {

  private Gpu() {}

  /** For example {@code , driver 580.65.06, 81559 MiB}; empty where there is no {@code nvidia-smi}. */
  static String driver(int id) {
    try {
      Process process = new ProcessBuilder("nvidia-smi", "--id=" + id, "--query-gpu=driver_version,memory.total",
          "--format=csv,noheader").redirectErrorStream(true).start();
      String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return process.waitFor() == 0 ? ", driver " + answer : "";
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }
}
