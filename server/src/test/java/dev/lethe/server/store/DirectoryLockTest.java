package dev.lethe.server.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {

  @TempDir
  Path root;

  /** Takes a folder, says so, and keeps it until its standard input ends. */
  public static void main(String[] arguments) throws IOException {
    try (DirectoryLock lock = DirectoryLock.take(Path.of(arguments[0]), Boolean.parseBoolean(arguments[1]))) {
      System.out.println("taken");
      System.in.read();
    }
  }

  private Process other(boolean shared) throws IOException {
    Process process = new ProcessBuilder(List.of(ProcessHandle.current().info().command().orElse("java"), "-cp",
        System.getProperty("java.class.path"), DirectoryLockTest.class.getName(), root.toString(), "" + shared))
            .start();
    assertEquals("taken", process.inputReader().readLine());
    return process;
  }

  /** Whatever folders the second has, and by whatever name it knows the file. */
  @Test
  void aDatabaseFileHasOneServer() throws Exception {
    Path file = root.resolve("jobs.db");
    Files.createSymbolicLink(root.resolve("link"), root);
    try (DirectoryLock first = DirectoryLock.takeFile(file)) {
      for (Path name : List.of(file, root.resolve("link/jobs.db"))) {
        String refusal = assertThrows(IOException.class, () -> DirectoryLock.takeFile(name)).getMessage();
        assertTrue(refusal.contains(name.toString()) && refusal.contains("process "), refusal);
      }
      DirectoryLock.takeFile(root.resolve("other.db")).close();
    }
    DirectoryLock.takeFile(file).close();
  }

  @Test
  void theSecondIsToldWhoHasItAndMayHaveItOnceTheFirstIsGone() throws Exception {
    Process first = other(false);
    for (boolean shared : new boolean[] {false, true, false}) {
      IOException refusal = assertThrows(IOException.class, () -> DirectoryLock.take(root, shared));
      assertTrue(refusal.getMessage().contains("process " + first.pid() + " on "), refusal.getMessage());
      assertTrue(refusal.getMessage().contains(", since 2"), refusal.getMessage());
    }
    first.destroyForcibly().waitFor();
    DirectoryLock.take(root, false).close();
  }

  @Test
  void oneProcessTakesItOnceToo() throws IOException {
    try (DirectoryLock lock = DirectoryLock.take(root, false)) {
      assertThrows(IOException.class, () -> DirectoryLock.take(root, false));
      assertThrows(IOException.class, () -> DirectoryLock.take(root, false));
    }
    DirectoryLock.take(root, false).close();
  }

  @Test
  void thoseThatShareItKeepOutOneThatDoesNot() throws Exception {
    Process first = other(true);
    try (DirectoryLock lock = DirectoryLock.take(root, true)) {
      first.destroyForcibly().waitFor();
      assertThrows(IOException.class, () -> DirectoryLock.take(root, false));
    }
    DirectoryLock.take(root, false).close();
  }
}
