package dev.lethe.server.unlearning;

import dev.lethe.v1.WorkerEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/** Starts workers, wherever they run, and finds those again that an earlier server started. */
interface WorkerLauncher {

  /**
   * @param imageKey of the job's images
   * @throws IOException if the program cannot be started
   */
  Worker start(JobDirectory job, Optional<byte[]> imageKey) throws IOException;

  /**
   * Ends the worker that was started last for a job, if it still runs: nobody listens to it any more. Blocks for that.
   */
  void endLeft(JobDirectory job) throws IOException, InterruptedException;

  /** A worker that was started. */
  interface Worker {

    /** Hands on its events until it ends. Blocks until then. */
    void run(Consumer<WorkerEvent> events) throws IOException, InterruptedException;

    /** Whether it ended well; after {@link #run}. */
    boolean succeeded();

    /** Whether something from outside ended it, or a fault that it could not tell of: another one may come through. */
    boolean crashed();

    /** How it ended, for people. */
    String end();

    /** Asks it to end, and ends it after {@code patience}. Does not wait for that. */
    void stop(Duration patience);
  }
}
