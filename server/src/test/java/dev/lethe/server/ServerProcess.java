package dev.lethe.server;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server in a process of its own, over the models in {@code root/models}, and a client of it.
 *
 * @param log what it writes to standard error
 */
public record ServerProcess(Process process, int port, ManagedChannel channel, Path log) implements AutoCloseable {

  /**
   * Blocks until it serves.
   *
   * @param java options of the Java virtual machine
   * @param settings flags of {@code lethe serve}
   */
  public static ServerProcess start(Path root, List<String> java, List<String> settings) throws IOException {
    return start(root, System.getProperty("java.class.path"), java, settings);
  }

  /**
   * The same of other classes than this process's.
   *
   * @param classPath of the server
   */
  public static ServerProcess start(Path root, String classPath, List<String> java, List<String> settings)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(
        ProcessHandle.current().info().command().orElse("java"), "-XX:TieredStopAtLevel=1"));
    command.addAll(java);
    command.addAll(List.of("-cp", classPath, ServeCommand.class.getName(), "--port=0",
        "--models=" + root.resolve("models"), "--state=" + root.resolve("state"), "--jobs=" + root.resolve("jobs")));
    command.addAll(settings);
    Path log = Files.createTempFile(root, "server-", ".log");
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    String line = process.inputReader().readLine();
    Matcher serving = Pattern.compile("lethe: serving on 127.0.0.1:(\\d+)").matcher(String.valueOf(line));
    if (!serving.matches()) {
      process.destroyForcibly();
      throw new IOException("the server has not started: " + line + "\n" + Files.readString(log));
    }
    int port = Integer.parseInt(serving.group(1));
    // A call that was to be retried on a channel that is shut down meanwhile throws what is no status.
    return new ServerProcess(process, port,
        NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().disableRetry().build(), log);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    process.destroyForcibly();
  }
}
