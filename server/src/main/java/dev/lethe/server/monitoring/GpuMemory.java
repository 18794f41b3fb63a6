package dev.lethe.server.monitoring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of the machine's NVIDIA GPUs, asked of the driver's {@code nvidia-smi} every ten seconds: ONNX Runtime's
 * Java API does not tell what its arenas hold.
 */
public final class GpuMemory implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(GpuMemory.class);

  private static final List<String> NVIDIA_SMI =
      List.of("nvidia-smi", "--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits");
  private static final Duration INTERVAL = Duration.ofSeconds(10);
  private static final int PATIENCE_SECONDS = 5;
  /** Index, used and total, in MiB; a GPU that is split or has no memory of its own has words there. */
  private static final Pattern LINE = Pattern.compile("(\\d+), (\\d+), (\\d+)");

  /**
   * One GPU's memory.
   *
   * @param gpu its number, as {@code nvidia-smi} counts
   * @param usedBytes by all processes
   */
  public record Reading(String gpu, long usedBytes, long totalBytes) {}

  private final List<String> command;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
    Thread thread = new Thread(work, "lethe-gpu-memory");
    thread.setDaemon(true);
    return thread;
  });
  private volatile List<Reading> readings = List.of();
  private boolean failing;

  private GpuMemory(List<String> command) {
    this.command = command;
  }

  /** Reads on until it is closed. */
  public static GpuMemory watch() {
    return watch(NVIDIA_SMI, INTERVAL);
  }

  static GpuMemory watch(List<String> command, Duration interval) {
    GpuMemory memory = new GpuMemory(command);
    memory.timer.scheduleWithFixedDelay(memory::read, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    return memory;
  }

  /** The last ones; none while they cannot be had. */
  public List<Reading> readings() {
    return readings;
  }

  private void read() {
    try {
      readings = parse(run());
      failing = false;
    } catch (IOException e) {
      readings = List.of();
      if (!failing) {
        LOG.warn("GPU memory cannot be read, so there is no metric of it: {}", e.getMessage());
      }
      failing = true;
    } catch (InterruptedException e) {
      // Closed.
      Thread.currentThread().interrupt();
    }
  }

  private String run() throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      // A few lines, which the pipe holds until the process has ended.
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(command.get(0) + " has not answered in " + PATIENCE_SECONDS + " seconds");
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.exitValue() != 0) {
        throw new IOException(command.get(0) + " ended with status " + process.exitValue() + ": " + output);
      }
      return output;
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<Reading> parse(String output) {
    List<Reading> readings = new ArrayList<>();
    for (String line : output.lines().toList()) {
      Matcher gpu = LINE.matcher(line.strip());
      if (gpu.matches()) {
        readings.add(new Reading(gpu.group(1), Long.parseLong(gpu.group(2)) << 20, Long.parseLong(gpu.group(3)) << 20));
      }
    }
    return readings;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
