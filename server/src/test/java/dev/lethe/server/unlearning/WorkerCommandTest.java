package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.runtime.ExecutionDevice;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerCommandTest {

  @Test
  void wordsMayBeAsLongAsAClassPath() {
    String classPath = "/opt/lethe/lib/some-library-1.2.3.jar:".repeat(5000);
    assertEquals(List.of("java", "-cp", classPath, "a b" + classPath),
        WorkerCommand.parse("java -cp " + classPath + " \"a b\"" + classPath).words());
  }

  @Test
  void quotesKeepBlanksTogether() {
    assertEquals(List.of("java", "-cp", "a b/c:d e", "-Dx=y z", "Main"),
        WorkerCommand.parse(" java  -cp \"a b/c\":\"d e\" -Dx=\"y z\" Main ").words());
  }

  @Test
  void theWorkerIsToldItsDevice(@TempDir Path directory) {
    ExecutionDevice device = ExecutionDevice.parse("cuda:1,memory-limit=4096");
    ProcessBuilder process = WorkerCommand.parse("java Main").on(device).forDirectory(directory,
        Optional.of(new byte[] {1, (byte) 0xfe}));
    assertEquals(List.of("java", "Main", directory.toString()), process.command());
    assertEquals("01fe", process.environment().get("LETHE_WORKER_KEY"));
    assertEquals("cuda:1,memory-limit=4096", process.environment().get("LETHE_WORKER_DEVICE"));
  }

  @Test
  void emptyCommandIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> WorkerCommand.parse("  "));
  }
}
