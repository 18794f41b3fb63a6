package dev.lethe.client.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server of this machine that lives no longer than this process; what it prints goes to a file. */
final class ServerProcess implements AutoCloseable {

  private static final Pattern READY = Pattern.compile("lethe: serving on (\\S+):(\\d+)");
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int QUOTED_LINES = 15;

  private final Process process;
  private final Thread hook = new Thread(this::end, "lethe-demo-cleanup");
  private int port;

  private ServerProcess(Process process) {
    this.process = process;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * Starts a server and waits until it serves.
   *
   * @param log gets all that it and its workers print
   * @throws IOException if it ends or stays silent instead, with the end of its log
   */
  static ServerProcess start(List<String> command, Path log, Duration timeout) throws IOException {
    ServerProcess server = new ServerProcess(new ProcessBuilder(command).redirectErrorStream(true).start());
    CompletableFuture<Integer> ready = new CompletableFuture<>();
    Thread pump = new Thread(() -> copy(server.process.inputReader(), log, ready), "lethe-demo-server-log");
    pump.setDaemon(true);
    pump.start();
    try {
      server.port = ready.get(timeout.toSeconds(), TimeUnit.SECONDS);
      return server;
    } catch (TimeoutException e) {
      server.close();
      throw new IOException("the server did not serve within " + timeout.toSeconds() + " s" + endOf(log), e);
    } catch (ExecutionException e) {
      server.close();
      throw new IOException("the server ended before it served" + endOf(log), e);
    } catch (InterruptedException e) {
      server.close();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the server started", e);
    }
  }

  int port() {
    return port;
  }

  /** Ends the server and every process that it started. */
  @Override
  public void close() {
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // This process is ending: the hook runs, and finds nothing left to do.
    }
  }

  private synchronized void end() {
    // A worker is no longer a descendant once the server is gone, so they are listed first.
    List<ProcessHandle> workers = process.descendants().toList();
    process.destroy();
    try {
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    workers.forEach(ProcessHandle::destroyForcibly);
  }

  private static void copy(BufferedReader output, Path log, CompletableFuture<Integer> ready) {
    try (output; Writer file = Files.newBufferedWriter(log)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        file.write(line + System.lineSeparator());
        file.flush();
        Matcher serving = READY.matcher(line);
        if (serving.find()) {
          ready.complete(Integer.valueOf(serving.group(2)));
        }
      }
      ready.completeExceptionally(new IOException("end of output"));
    } catch (IOException e) {
      ready.completeExceptionally(e);
    }
  }

  private static String endOf(Path log) {
    try {
      List<String> lines = Files.exists(log) ? Files.readAllLines(log, StandardCharsets.UTF_8) : List.of();
      List<String> last = lines.subList(Math.max(0, lines.size() - QUOTED_LINES), lines.size());
      return last.isEmpty() ? "" : "; its last lines:\n  " + String.join("\n  ", last);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
