package dev.lethe.server.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

  /** Takes a folder, shared if a database is named, says so, and keeps it until its standard input ends. */
  public static void main(String[] arguments) throws IOException {
    try (DirectoryLock lock = take(Path.of(arguments[0]), arguments[1])) {
      System.out.println("taken");
      System.in.read();
    }
  }

  private static DirectoryLock take(Path directory, String database) throws IOException {
    return database.isEmpty() ? DirectoryLock.take(directory) : DirectoryLock.share(directory, database);
  }

  private Process other(String database) throws IOException {
    Process process = new ProcessBuilder(List.of(ProcessHandle.current().info().command().orElse("java"), "-cp",
        System.getProperty("java.class.path"), DirectoryLockTest.class.getName(), root.toString(), database))
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
    Process first = other("");
    for (String database : List.of("", "one", "")) {
      IOException refusal = assertThrows(IOException.class, () -> take(root, database));
      assertTrue(refusal.getMessage().contains("process " + first.pid() + " on "), refusal.getMessage());
      assertTrue(refusal.getMessage().contains(", since 2"), refusal.getMessage());
    }
    first.destroyForcibly().waitFor();
    DirectoryLock.take(root).close();
  }

  @Test
  void oneProcessTakesItOnceToo() throws IOException {
    try (DirectoryLock lock = DirectoryLock.take(root)) {
      assertThrows(IOException.class, () -> DirectoryLock.take(root));
      assertThrows(IOException.class, () -> DirectoryLock.take(root));
    }
    DirectoryLock.take(root).close();
  }

  @Test
  void whoTakesItKnowsWhetherOthersHaveIt() throws IOException {
    try (DirectoryLock alone = DirectoryLock.share(root, "one");
        DirectoryLock beside = DirectoryLock.share(root, "one")) {
      assertTrue(alone.wasAlone());
      assertFalse(beside.wasAlone());
    }
    try (DirectoryLock lock = DirectoryLock.take(root)) {
      assertTrue(lock.wasAlone());
    }
  }

  @Test
  void thoseThatShareItKeepOutOneThatDoesNot() throws Exception {
    Process first = other("one");
    try (DirectoryLock lock = DirectoryLock.share(root, "one")) {
      first.destroyForcibly().waitFor();
      assertThrows(IOException.class, () -> DirectoryLock.take(root));
    }
    DirectoryLock.take(root).close();
  }

  /** To each what the other keeps there would be nobody's. */
  @Test
  void thoseThatShareItAgreeByOneDatabase() throws Exception {
    Process first = other("one");
    IOException refusal = assertThrows(IOException.class, () -> DirectoryLock.share(root, "another"));
    assertTrue(refusal.getMessage().contains("another database") && refusal.getMessage().contains("process "
        + first.pid()), refusal.getMessage());
    try (DirectoryLock second = DirectoryLock.share(root, "one")) {
      assertFalse(second.wasAlone());
    }
    Files.delete(root.resolve(".lethe.database"));
    assertThrows(IOException.class, () -> DirectoryLock.share(root, "another"), "nobody knows that it is theirs");
    first.destroyForcibly().waitFor();
    DirectoryLock.share(root, "another").close();
  }
}
