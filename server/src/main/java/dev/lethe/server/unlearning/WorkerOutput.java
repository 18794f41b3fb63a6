package dev.lethe.server.unlearning;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.v1.WorkerEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a worker's process says, whatever it is for, and how it is asked to end. */
public final class WorkerOutput {

  private static final Logger LOG = LoggerFactory.getLogger(WorkerOutput.class);
  private static final JsonFormat.Parser EVENTS = JsonFormat.parser().ignoringUnknownFields();
  private static final int LOG_BYTES = 4096;
  private static final int LOG_LINES = 12;

  private WorkerOutput() {}

  /**
   * Reads a worker's events until it ends, and waits for its end. Blocks.
   *
   * @param name of the worker, for the log
   */
  public static void read(Process process, String name, Consumer<WorkerEvent> events)
      throws IOException, InterruptedException {
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        WorkerEvent.Builder event = WorkerEvent.newBuilder();
        try {
          EVENTS.merge(line, event);
        } catch (InvalidProtocolBufferException e) {
          // Native libraries write to standard output now and then.
          LOG.warn("{}: the worker printed what is no event: {}", name, line);
          continue;
        }
        events.accept(event.build());
      }
    }
    process.waitFor();
  }

  /** Asks a worker to end, and ends it with its children if it has not after a while. */
  public static void stop(Process process, Duration patience) {
    // By its handle, which leaves its output open: whoever reads the events comes to their end, not to a closed stream.
    ProcessHandle handle = process.toHandle();
    handle.destroy();
    process.onExit().orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS).exceptionally(late -> {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      handle.destroyForcibly();
      return process;
    });
  }

  /** The last lines of a worker's log; empty if there are none. */
  public static String endOfLog(Path log) throws IOException {
    if (!Files.exists(log)) {
      return "";
    }
    String end;
    boolean all;
    try (SeekableByteChannel channel = Files.newByteChannel(log)) {
      all = channel.size() <= LOG_BYTES;
      channel.position(Math.max(0, channel.size() - LOG_BYTES));
      end = new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8).strip();
    }
    // The end of a line that begins before may be that of a name, which nobody knows for one any more.
    List<String> lines = end.lines().skip(all ? 0 : 1).toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
  }
}
