package dev.lethe.server.unlearning;

import dev.lethe.server.threads.ThreadPriority;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.util.concurrent.Callable;

/**
 * Where calls about jobs do what blocks: on threads of their own, which give way to those that generate. The first
 * submission of a server loads hundreds of classes, for most of a second of a processor that others want.
 */
record Background(WorkerExecutor threads) {

  /** As many as Vert.x has for everything else. */
  private static final int THREADS = 20;

  static Background of(Vertx vertx) {
    return new Background(vertx.createSharedWorkerExecutor("lethe-jobs", THREADS));
  }

  /** Carries out what may take its time; fails with what that throws. */
  <T> Future<T> run(Callable<T> work) {
    return threads.executeBlocking(() -> {
      ThreadPriority.giveWay();
      return work.call();
    }, false);
  }
}
