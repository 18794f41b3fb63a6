package dev.lethe.server.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

/** Without a GPU: without a driver's library, and with a library in its place that has the same functions. */
@Timeout(60)
class GpuMemoryTest {

  /** Functions of nvml.h, of GPUs as a file says: a line each of code, total, reserved, free and used. */
  private static final String LIBRARY = """
      #include <stdio.h>
      #include <stdint.h>

      typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
      typedef struct { int code; unsigned long long total, reserved, free, used; } gpu;

      static gpu gpus[8];
      static unsigned count;

      int nvmlInit_v2(void) {
        FILE *file = fopen(GPUS, "r");
        if (!file) return 9;
        count = 0;
        gpu *g = gpus;
        while (fscanf(file, "%d %llu %llu %llu %llu", &g->code, &g->total, &g->reserved, &g->free, &g->used) == 5) {
          count++;
          g++;
        }
        fclose(file);
        return 0;
      }
      int nvmlShutdown(void) { return 0; }
      int nvmlDeviceGetCount_v2(unsigned *n) { *n = count; return 0; }
      int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
        if (index >= count) return 2;
        *device = &gpus[index];
        return 0;
      }
      int nvmlDeviceGetMemoryInfo_v2(void *device, memory_v2 *memory) {
        gpu *g = device;
        if (memory->version != (sizeof(memory_v2) | 2 << 24)) return 25;
        if (g->code) return g->code;
        memory->total = g->total;
        memory->reserved = g->reserved;
        memory->free = g->free;
        memory->used = g->used;
        return 0;
      }
      const char *nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : "of the test"; }
      """;

  @TempDir
  Path directory;

  private Path gpus;

  private String library() throws Exception {
    gpus = directory.resolve("gpus");
    Path source = Files.writeString(directory.resolve("nvml.c"), LIBRARY);
    Path library = directory.resolve("libnvml-of-the-test.so");
    Process compiler;
    try {
      compiler = new ProcessBuilder("cc", "-shared", "-fPIC", "-DGPUS=\"" + gpus + "\"", "-o", library.toString(),
          source.toString()).inheritIO().start();
    } catch (IOException e) {
      assumeTrue(false, "there is no C compiler: " + e.getMessage());
      throw e;
    }
    assertEquals(0, compiler.waitFor());
    return library.toString();
  }

  private void put(String lines) throws IOException {
    Files.move(Files.writeString(directory.resolve("next"), lines), gpus, StandardCopyOption.REPLACE_EXISTING);
  }

  private static void await(GpuMemory memory, List<Reading> expected) throws InterruptedException {
    while (!memory.readings().equals(expected)) {
      Thread.sleep(5);
    }
  }

  @Test
  void everyGpuThatTellsIsRead() throws Exception {
    String library = library();
    put("0 85520809984 600 400 536870912\n0 17179869184 1 2 0\n3 0 0 0 0\n4 0 0 0 0\n0 5 4 3 2\n");
    try (Nvml nvml = Nvml.open(library)) {
      assertEquals(List.of(new Reading("0", 536870912, 85520809984L), new Reading("1", 0, 17179869184L),
          new Reading("4", 2, 5)), nvml.memory());
    }
  }

  @Test
  void aLostGpuIsAnErrorThatNamesIt() throws Exception {
    String library = library();
    put("0 5 4 3 2\n15 0 0 0 0\n");
    try (Nvml nvml = Nvml.open(library)) {
      IOException lost = assertThrows(IOException.class, nvml::memory);
      assertEquals("nvmlDeviceGetMemoryInfo_v2(1) failed with code 15, of the test", lost.getMessage());
    }
  }

  @Test
  void aDriverThatIsGoneEndsTheReadingsUntilItIsBack() throws Exception {
    String library = library();
    assertEquals("nvmlInit_v2 failed with code 9, Driver Not Loaded",
        assertThrows(IOException.class, () -> Nvml.open(library)).getMessage());
    put("0 5 4 3 2\n");
    try (GpuMemory memory = GpuMemory.watch(library, Duration.ofMillis(20))) {
      await(memory, List.of(new Reading("0", 2, 5)));
      Files.delete(gpus);
      await(memory, List.of());
      put("0 7 4 3 1\n");
      await(memory, List.of(new Reading("0", 1, 7)));
    }
  }

  @Test
  void withoutADriverThereIsNoMetric() throws Exception {
    String absent = directory.resolve("libabsent.so").toString();
    assertThrows(UnsatisfiedLinkError.class, () -> Nvml.open(absent));
    ServerMetrics metrics = new ServerMetrics();
    try (GpuMemory memory = new GpuMemory(absent)) {
      metrics.gpuMemory(memory::readings);
      memory.read();
      assertFalse(metrics.text().contains("lethe_gpu_memory_used_bytes{"), metrics.text());
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
