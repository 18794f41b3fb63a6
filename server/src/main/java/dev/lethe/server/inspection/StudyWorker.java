package dev.lethe.server.inspection;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Cancelled;
import dev.lethe.server.errors.DomainException.Failed;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.threads.ThreadPriority;
import dev.lethe.server.unlearning.WorkerCommand;
import dev.lethe.server.unlearning.WorkerOutput;
import dev.lethe.v1.Progress;
import dev.lethe.v1.WorkerEvent;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One worker's process that carries out a study. Its standard input stays open as long as somebody waits for it. */
final class StudyWorker {

  private static final Logger LOG = LoggerFactory.getLogger(StudyWorker.class);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

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
   * @throws DomainException if it has none, with its reason
   */
  WorkerEvent run(StudyDirectory directory, WorkerJob job, Consumer<Progress> told)
      throws IOException, InterruptedException {
    directory.write(job);
    Process running = start(directory);
    AtomicReference<@Nullable WorkerEvent> result = new AtomicReference<>();
    AtomicReference<@Nullable String> reason = new AtomicReference<>();
    WorkerOutput.read(running, directory.path().getFileName().toString(), event -> {
      switch (event.getEventCase()) {
        case PROGRESS -> told.accept(event.getProgress());
        case INSPECTION, PROJECTION -> result.set(event);
        case FAILURE -> reason.set(event.getFailure().getMessage());
        case REPORT, DONE, EVENT_NOT_SET -> { }
      }
    });
    int status = running.exitValue();
    WorkerEvent found = result.get();
    if (status == 0 && found != null) {
      return found;
    }
    if (reason.get() != null) {
      throw new Precondition(reason.get());
    }
    LOG.warn("a worker ended with status {}; the end of its log: {}", status, directory.endOfLog());
    throw new Failed("the worker exited with status " + status + " and no result; the server's log has "
        + "the end of its own");
  }

  private synchronized Process start(StudyDirectory directory) throws IOException {
    if (stopped) {
      throw new Cancelled("nobody waits for the study any more");
    }
    ProcessBuilder builder = command.forDirectory(directory.path(), Optional.of(directory.key()))
        .redirectError(directory.log().toFile());
    process = ThreadPriority.startGivingWay(builder);
    return process;
  }

  /** Ends it, now or once it starts. */
  synchronized void stop() {
    stopped = true;
    Process running = process;
    if (running != null) {
      WorkerOutput.stop(running, PATIENCE);
    }
  }
}
