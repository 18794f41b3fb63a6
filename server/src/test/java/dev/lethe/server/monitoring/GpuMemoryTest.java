package dev.lethe.server.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.monitoring.GpuMemory.Reading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With a program in the place of nvidia-smi that answers as it does. */
@Timeout(30)
class GpuMemoryTest {

  @TempDir
  Path directory;

  private GpuMemory watch(String answer) throws IOException {
    Path answers = Files.writeString(directory.resolve("answer"), answer);
    return GpuMemory.watch(List.of("sh", answers.toString()), Duration.ofMillis(20));
  }

  private static void await(GpuMemory memory, List<Reading> expected) throws InterruptedException {
    while (!memory.readings().equals(expected)) {
      Thread.sleep(5);
    }
  }

  @Test
  void everyGpuIsRead() throws Exception {
    try (GpuMemory memory = watch("printf '0, 512, 81559\\n1, 0, 16384\\n2, [N/A], [N/A]\\n'")) {
      await(memory, List.of(new Reading("0", 512L << 20, 81559L << 20), new Reading("1", 0, 16384L << 20)));
    }
  }

  @Test
  void aFailureEndsTheReadingsUntilItIsOver() throws Exception {
    try (GpuMemory memory = watch("echo 0, 1, 2")) {
      List<Reading> readings = List.of(new Reading("0", 1 << 20, 2 << 20));
      await(memory, readings);
      Path next = Files.writeString(directory.resolve("next"), "echo the driver is gone; exit 9");
      Files.move(next, directory.resolve("answer"), StandardCopyOption.REPLACE_EXISTING);
      await(memory, List.of());
      next = Files.writeString(directory.resolve("next"), "echo 0, 1, 2");
      Files.move(next, directory.resolve("answer"), StandardCopyOption.REPLACE_EXISTING);
      await(memory, readings);
    }
  }

  @Test
  void metricsAreThoseOfTheirDocumentation() throws Exception {
    ServerMetrics metrics = new ServerMetrics();
    assertFalse(metrics.text().contains("lethe_gpu_"));
    metrics.gpuMemory(() -> List.of(new Reading("1", 3, 4)));
    String text = metrics.text();
    assertTrue(text.contains("\nlethe_gpu_memory_used_bytes{gpu=\"1\",} 3.0\n"), text);
    assertTrue(text.contains("\nlethe_gpu_memory_total_bytes{gpu=\"1\",} 4.0\n"), text);
    String documentation = Files.readString(Path.of("../docs/metrics.md"));
    for (String name : List.of("lethe_gpu_memory_used_bytes", "lethe_gpu_memory_total_bytes")) {
      String row = "| `" + name + "` | gauge | `gpu` |";
      assertEquals(1, documentation.lines().filter(line -> line.startsWith(row)).count(), name);
    }
  }
}
