package dev.lethe.server.unlearning;

import dev.lethe.server.threads.ThreadPriority;
import dev.lethe.v1.WorkerEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/** One worker's process. Its standard input stays open as long as this server lives. */
final class WorkerProcess implements WorkerLauncher.Worker {

  /** Unix reports the end by a signal as an exit status of this plus the signal's number. */
  private static final int SIGNALLED = 128;
  private static final int SIGKILL = 9;

  private final Process process;
  private final JobDirectory job;

  private WorkerProcess(Process process, JobDirectory job) {
    this.process = process;
    this.job = job;
  }

  /** @throws IOException if the program cannot be started */
  static WorkerProcess start(WorkerCommand command, JobDirectory job, Optional<byte[]> imageKey) throws IOException {
    Process process = ThreadPriority.startGivingWay(command.forDirectory(job.path(), imageKey)
        .redirectError(ProcessBuilder.Redirect.appendTo(job.log().toFile())));
    job.writeProcess(process.toHandle());
    return new WorkerProcess(process, job);
  }

  @Override
  public void run(Consumer<WorkerEvent> events) throws IOException, InterruptedException {
    WorkerOutput.read(process, job.path().getFileName().toString(), events);
  }

  @Override
  public boolean succeeded() {
    return process.exitValue() == 0;
  }

  @Override
  public boolean crashed() {
    return process.exitValue() > SIGNALLED;
  }

  @Override
  public String end() {
    int status = process.exitValue();
    if (status > SIGNALLED && status < SIGNALLED + 65) {
      int signal = status - SIGNALLED;
      return "was ended by signal " + signal
          + (signal == SIGKILL ? " (SIGKILL: by the system if memory ran out, or by an operator)" : "");
    }
    return "exited with status " + status;
  }

  @Override
  public void stop(Duration patience) {
    WorkerOutput.stop(process, patience);
  }
}
