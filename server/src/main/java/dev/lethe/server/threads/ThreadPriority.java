package dev.lethe.server.threads;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operating system's priority of a thread. Java's own has no effect on Linux, except for processes that may raise
 * priorities too, and with a flag of the virtual machine.
 */
public final class ThreadPriority {

  private static final Logger LOG = LoggerFactory.getLogger(ThreadPriority.class);

  /** {@code PRIO_PROCESS}; on Linux 0 is the calling thread, elsewhere its process. */
  private static final int PROCESS = 0;
  private static final int THIS_THREAD = 0;
  /**
   * A tenth of a processor that others want too. The lowest priority, 19, gives less, and then others wait for what
   * this thread holds when it is interrupted.
   */
  private static final int LOW = 10;

  private ThreadPriority() {}

  private static final class LibC {
    static {
      Native.register(LibC.class, Platform.C_LIBRARY_NAME);
    }

    private LibC() {}

    private static native int setpriority(int which, int who, int niceness) throws LastErrorException;
  }

  /**
   * From now on the calling thread has the processors that others leave idle, and little else: what it does hardly
   * delays them. Threads that it starts inherit that. On Linux; elsewhere nothing changes.
   */
  public static void giveWay() {
    if (!Platform.isLinux()) {
      return;
    }
    try {
      LibC.setpriority(PROCESS, THIS_THREAD, LOW);
    } catch (LastErrorException | LinkageError e) {
      LOG.warn("versions are loaded, and jobs carried out, at the priority of calls, which may be slower meanwhile: {}",
          e.toString());
    }
  }

  /**
   * Starts a process that gives way likewise, with all its threads, from its first instruction on: it inherits the
   * priority of a thread that is there for nothing else. Setting it once the process runs would miss the threads that
   * it has begun by then.
   *
   * @throws IOException if it cannot be started
   */
  public static Process startGivingWay(ProcessBuilder builder) throws IOException {
    CompletableFuture<Process> started = new CompletableFuture<>();
    new Thread(() -> {
      giveWay();
      try {
        started.complete(builder.start());
      } catch (IOException | RuntimeException | Error e) {
        started.completeExceptionally(e);
      }
    }, "lethe-process-start").start();
    try {
      return started.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
    }
  }
}
