package dev.lethe.server.unlearning;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Workers as processes beside the server, which they do not outlive. */
final class LocalWorkers implements WorkerLauncher {

  private static final Logger LOG = LoggerFactory.getLogger(LocalWorkers.class);
  private static final int KILL_SECONDS = 10;

  private final WorkerCommand command;

  LocalWorkers(WorkerCommand command) {
    this.command = command;
  }

  @Override
  public Worker start(JobDirectory job, Optional<byte[]> imageKey) throws IOException {
    return WorkerProcess.start(command, job, imageKey);
  }

  @Override
  public void endLeft(JobDirectory job) throws IOException, InterruptedException {
    Optional<ProcessHandle> left = job.leftWorker();
    if (left.isEmpty()) {
      return;
    }
    LOG.warn("{}: a worker of an earlier server still runs, as process {}; it is ended", job.path().getFileName(),
        left.get().pid());
    left.get().descendants().forEach(ProcessHandle::destroyForcibly);
    left.get().destroyForcibly();
    try {
      left.get().onExit().get(KILL_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("the worker of an earlier server, process " + left.get().pid() + ", cannot be ended", e);
    }
  }
}
