package dev.lethe.bench.targets;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Which cores servers run on, one at a time, and which the load generator does, so that it takes nothing from what it
 * measures.
 *
 * @param servers a list as {@code taskset} reads it, {@code 0-3}; empty: any, where there is no {@code taskset}
 * @param clients the same for the load generator
 * @param threads cores in {@code servers}, and so threads that each server computes an operator with
 */
public record Cores(String servers, String clients, int threads) {

  /** The first half of the cores for servers, the others for the load generator; a lone core for both. */
  public static Cores halves() {
    int cores = Runtime.getRuntime().availableProcessors();
    int servers = Math.max(1, cores / 2);
    if (!hasTaskset()) {
      return new Cores("", "", servers);
    }
    return new Cores(range(0, servers), cores == 1 ? "0" : range(servers, cores), servers);
  }

  /** Lists such as {@code 0-3,6}. */
  public static Cores of(String servers, String clients) {
    return new Cores(servers, clients, count(servers));
  }

  private static String range(int from, int to) {
    return to - from == 1 ? Integer.toString(from) : from + "-" + (to - 1);
  }

  private static int count(String list) {
    int count = 0;
    for (String part : list.split(",")) {
      String[] ends = part.split("-");
      int from = Integer.parseInt(ends[0].strip());
      int to = Integer.parseInt(ends[ends.length - 1].strip());
      if (ends.length > 2 || to < from) {
        throw new IllegalArgumentException("\"" + list + "\" is no list of cores such as 0-3,6");
      }
      count += to - from + 1;
    }
    return count;
  }

  private static boolean hasTaskset() {
    try {
      return new ProcessBuilder("taskset", "--version").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  boolean pinned() {
    return !servers.isEmpty();
  }

  /** The command, on the servers' cores. */
  List<String> onServers(List<String> command) {
    List<String> pinned = new ArrayList<>();
    if (pinned()) {
      pinned.addAll(List.of("taskset", "-c", servers));
    }
    pinned.addAll(command);
    return pinned;
  }

  /** Moves this process, all of its threads, to the clients' cores. */
  public void moveHere() throws IOException, InterruptedException {
    if (pinned()) {
      Process taskset = new ProcessBuilder("taskset", "-a", "-c", "-p", clients,
          Long.toString(ProcessHandle.current().pid())).redirectErrorStream(true).start();
      String output = new String(taskset.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!taskset.waitFor(10, TimeUnit.SECONDS) || taskset.exitValue() != 0) {
        throw new IOException("taskset cannot move this process to the cores " + clients + ": " + output.strip());
      }
    }
  }
}
