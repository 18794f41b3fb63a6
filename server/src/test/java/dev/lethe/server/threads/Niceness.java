package dev.lethe.server.threads;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much threads and processes give way, as Linux tells. */
public final class Niceness {

  private Niceness() {}

  public static int ofThisThread() throws IOException {
    return read(Path.of("/proc/thread-self/stat"));
  }

  public static int of(ProcessHandle process) throws IOException {
    return read(Path.of("/proc", Long.toString(process.pid()), "stat"));
  }

  /** The 19th field; the second one is a name between brackets. */
  private static int read(Path stat) throws IOException {
    String line = Files.readString(stat);
    return Integer.parseInt(line.substring(line.lastIndexOf(')') + 2).split(" ")[16]);
  }
}
