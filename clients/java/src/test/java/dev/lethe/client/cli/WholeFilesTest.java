package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class WholeFilesTest {

  @TempDir
  Path folder;

  /** A program that is on its way to write files. */
  static final class Writing {

    private Writing() {}

    public static void main(String[] args) throws Exception {
      try (WholeFiles files = WholeFiles.in(Path.of(args[0]))) {
        files.add("a.png", new byte[1000]);
        System.out.println("ready");
        Thread.sleep(60_000);
        files.publish();
      }
    }
  }

  private static Process writing(Path out) throws IOException {
    // Whoever starts the tests in the background may have them ignore signals, and a process inherits that.
    Process process = new ProcessBuilder("env", "--default-signal=INT,HUP",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
        of(WholeFiles.class) + File.pathSeparator + of(Writing.class), Writing.class.getName(), out.toString())
        .redirectErrorStream(true).start();
    assertEquals("ready", process.inputReader().readLine());
    return process;
  }

  private static String of(Class<?> loaded) {
    return new File(loaded.getProtectionDomain().getCodeSource().getLocation().getPath()).getPath();
  }

  private static List<String> names(Path in) throws IOException {
    try (Stream<Path> files = Files.list(in)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM", "HUP"})
  @DisabledOnOs(OS.WINDOWS)
  void whoIsToldToEndLeavesNothing(String signal) throws Exception {
    Path out = folder.resolve("new/out");
    Process process = writing(out);
    assertEquals(0, new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor());
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(List.of(), names(folder));
  }

  /** And what others still write, or keep under such a name, stays. */
  @Test
  void whatTheKilledLeaveTheNextRemoves() throws Exception {
    Process killed = writing(folder);
    killed.destroyForcibly().waitFor();
    assertEquals(1, names(folder).size());
    Process alive = writing(folder);
    Files.createDirectory(folder.resolve(".lethe-mine"));
    try (WholeFiles same = WholeFiles.in(folder)) {
      same.add("c.png", new byte[1]);
      try (WholeFiles files = WholeFiles.in(folder)) {
        files.add("b.png", new byte[1]);
        files.publish();
      }
      List<String> left = names(folder);
      assertEquals(4, left.size(), left.toString());
      same.publish();
    }
    assertEquals(3 + 1, names(folder).size(), names(folder).toString());
    alive.destroyForcibly().waitFor();
    WholeFiles.check(folder, "d.png");
    assertEquals(List.of(".lethe-mine", "b.png", "c.png"), names(folder));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatCannotBeWrittenIsNamedAsTheUserDid() {
    for (Path file : List.of(Path.of("/proc/x.png"), Path.of("/proc/none/x.png"))) {
      FileSystemException refused = assertThrows(FileSystemException.class, () -> WholeFiles.of(file).close());
      assertEquals(file.toString(), refused.getFile());
      assertFalse(String.valueOf(refused.getMessage()).contains(".lethe"), refused.getMessage());
    }
    String tooLong = "a".repeat(300) + ".png";
    FileSystemException refused = assertThrows(FileSystemException.class, () -> {
      try (WholeFiles files = WholeFiles.in(folder)) {
        files.add(tooLong, new byte[1]);
      }
    });
    assertEquals(folder.resolve(tooLong).toString(), refused.getFile());
  }
}
