package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobDirectoryTest {

  @TempDir
  Path root;

  @Test
  void workerThatOutlivedTheServerIsFoundAgainAndNoOtherProcess() throws Exception {
    JobDirectory job = new JobDirectory(root);
    assertEquals(Optional.empty(), job.leftWorker());
    Process worker = new ProcessBuilder("sleep", "60").start();
    try {
      job.writeProcess(worker.toHandle());
      assertEquals(worker.pid(), job.leftWorker().orElseThrow().pid());
      // The same number, started at another time.
      Files.writeString(root.resolve("worker.pid"), worker.pid() + " 1");
      assertEquals(Optional.empty(), job.leftWorker());
      job.writeProcess(worker.toHandle());
    } finally {
      worker.destroyForcibly().waitFor();
    }
    assertEquals(Optional.empty(), job.leftWorker());
  }

  @Test
  void endOfALongLogIsItsLastLines() throws IOException {
    JobDirectory job = new JobDirectory(root);
    assertEquals("", job.endOfLog());
    Files.writeString(job.log(), IntStream.range(0, 5000).mapToObj(i -> "line " + i)
        .collect(Collectors.joining("\n")) + "\n");
    String end = job.endOfLog();
    assertTrue(end.startsWith("line 4988\n") && end.endsWith("\nline 4999"), end);
  }
}
