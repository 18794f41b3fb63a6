package dev.lethe.server.threads;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** How much threads and processes give way, as Linux tells. */
public final class Niceness {

  private Niceness() {}

  public static int ofThisThread() throws IOException {
    return in(stat(Path.of("/proc/thread-self")));
  }

  public static int of(ProcessHandle process) throws IOException {
    return in(stat(Path.of("/proc", Long.toString(process.pid()))));
  }

  /** Of the threads of this process whose name, of which Linux keeps 15 letters, begins so. */
  public static List<Integer> ofThreads(String name) throws IOException {
    List<Integer> values = new ArrayList<>();
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      for (Path task : tasks.toList()) {
        String stat = stat(task);
        if (stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')')).startsWith(name)) {
          values.add(in(stat));
        }
      }
    }
    return values;
  }

  private static String stat(Path task) throws IOException {
    return Files.readString(task.resolve("stat"));
  }

  /** The 19th field; the second one is a name between brackets. */
  private static int in(String stat) {
    return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
  }
}
