package dev.lethe.server.monitoring;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of the machine's NVIDIA GPUs, asked of the driver's library every ten seconds: ONNX Runtime's Java API
 * does not tell what its arenas hold.
 */
public final class GpuMemory implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(GpuMemory.class);

  private static final Duration INTERVAL = Duration.ofSeconds(10);

  /**
   * One GPU's memory.
   *
   * @param gpu its number, as {@code nvidia-smi} counts
   * @param usedBytes by all processes
   */
  public record Reading(String gpu, long usedBytes, long totalBytes) {}

  private final String library;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
    Thread thread = new Thread(work, "lethe-gpu-memory");
    thread.setDaemon(true);
    return thread;
  });
  private volatile List<Reading> readings = List.of();
  private boolean failing;

  GpuMemory(String library) {
    this.library = library;
  }

  /** Reads on until it is closed. */
  public static GpuMemory watch() {
    return watch(Nvml.LIBRARY, INTERVAL);
  }

  static GpuMemory watch(String library, Duration interval) {
    GpuMemory memory = new GpuMemory(library);
    memory.timer.scheduleWithFixedDelay(memory::read, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    return memory;
  }

  /** The last ones; none while they cannot be had. */
  public List<Reading> readings() {
    return readings;
  }

  void read() {
    // Opened anew each time: a library that was started before the driver was replaced answers no more.
    try (Nvml nvml = Nvml.open(library)) {
      readings = nvml.memory();
      failing = false;
    } catch (IOException | LinkageError e) {
      readings = List.of();
      if (!failing) {
        LOG.warn("GPU memory cannot be read, so there is no metric of it: {}", e.getMessage());
      }
      failing = true;
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
