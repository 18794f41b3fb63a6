package dev.lethe.server.inspection;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.server.unlearning.WorkerCommand;
import dev.lethe.v1.Progress;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One worker's process that carries out a study. Its standard input stays open as long as somebody waits for it. */
final class StudyWorker {

  private static final Logger LOG = LoggerFactory.getLogger(StudyWorker.class);
  private static final JsonFormat.Parser EVENTS = JsonFormat.parser().ignoringUnknownFields();
  private static final String DEVICE_VARIABLE = "LETHE_WORKER_DEVICE";
  private static final int PATIENCE_SECONDS = 10;

  private final WorkerCommand command;
  // Both are changed by the call's context and the study's thread.
  private @Nullable Process process;
  private boolean stopped;

  StudyWorker(WorkerCommand command) {
    this.command = command;
  }

  /**
   * Runs it to its end. Blocks.
   *
   * @param told of its progress
   * @return the event with its result
   * @throws io.grpc.StatusRuntimeException if it has none, with its reason
   */
  WorkerEvent run(StudyDirectory directory, WorkerJob job, Consumer<Progress> told)
      throws IOException, InterruptedException {
    directory.write(job);
    Process running = start(directory);
    WorkerEvent result = null;
    String reason = null;
    try (BufferedReader lines = running.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        WorkerEvent.Builder event = WorkerEvent.newBuilder();
        try {
          EVENTS.merge(line, event);
        } catch (InvalidProtocolBufferException e) {
          // Native libraries write to standard output now and then.
          continue;
        }
        switch (event.getEventCase()) {
          case PROGRESS -> told.accept(event.getProgress());
          case INSPECTION, PROJECTION -> result = event.build();
          case FAILURE -> reason = event.getFailure().getMessage();
          case REPORT, DONE, EVENT_NOT_SET -> { }
        }
      }
    }
    int status = running.waitFor();
    if (status == 0 && result != null) {
      return result;
    }
    if (reason != null) {
      throw Status.FAILED_PRECONDITION.withDescription(reason).asRuntimeException();
    }
    LOG.warn("a worker ended with status {}; the end of its log: {}", status, directory.endOfLog());
    throw Status.INTERNAL.withDescription("the worker exited with status " + status + " and no result; the server's log has "
        + "the end of its own").asRuntimeException();
  }

  private synchronized Process start(StudyDirectory directory) throws IOException {
    if (stopped) {
      throw Status.CANCELLED.withDescription("nobody waits for the study any more").asRuntimeException();
    }
    List<String> words = new ArrayList<>(command.words());
    words.add(directory.path().toString());
    ProcessBuilder builder = new ProcessBuilder(words).redirectError(directory.log().toFile());
    builder.environment().put(DEVICE_VARIABLE, command.device().toString());
    process = builder.start();
    return process;
  }

  /** Ends it, now or once it starts. */
  synchronized void stop() {
    stopped = true;
    Process running = process;
    if (running != null) {
      running.destroy();
      running.onExit().orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
          .exceptionally(late -> running.destroyForcibly());
    }
  }
}
