package dev.lethe.client.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ServerProcessTest {

  @TempDir
  private Path folder;

  private ServerProcess start(String script, Duration timeout) throws IOException {
    return ServerProcess.start(List.of("sh", "-c", script), folder.resolve("server.log"), timeout);
  }

  @Test
  void servesUntilClosedAndLeavesNoProcess() throws IOException {
    long worker;
    try (ServerProcess server = start("sleep 60 & echo $! >" + folder.resolve("pid")
        + "; echo starting; echo lethe: serving on 127.0.0.1:4711; wait", Duration.ofSeconds(20))) {
      assertEquals(4711, server.port());
      worker = Long.parseLong(Files.readString(folder.resolve("pid")).strip());
      assertTrue(alive(worker));
    }
    long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    while (alive(worker) && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertFalse(alive(worker), "the server's child outlived it");
    assertTrue(Files.readString(folder.resolve("server.log")).startsWith("starting"));
  }

  private static boolean alive(long pid) {
    Optional<ProcessHandle> process = ProcessHandle.of(pid);
    return process.isPresent() && process.get().isAlive();
  }

  @Test
  void anEarlyEndShowsTheLog() {
    IOException ended = assertThrows(IOException.class,
        () -> start("echo cannot bind >&2; exit 1", Duration.ofSeconds(20)));
    assertTrue(ended.getMessage().contains("ended before it served") && ended.getMessage().contains("cannot bind"),
        ended.getMessage());
  }

  @Test
  void silenceEnds() {
    IOException silent = assertThrows(IOException.class, () -> start("sleep 60", Duration.ofSeconds(1)));
    assertTrue(silent.getMessage().contains("within 1 s"), silent.getMessage());
  }
}
