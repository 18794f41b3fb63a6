package dev.lethe.server.unlearning;

import dev.lethe.server.threads.ThreadPriority;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.util.concurrent.Callable;

/**
 * Where calls about jobs do what blocks: on threads of their own. While the database cannot be reached each of them may
 * wait for it, and keeps no thread from other calls.
 *
 * @param orders give way to those that generate: the first submission of a server loads hundreds of classes, for most
 *     of a second of a processor that others want
 * @param reads do not: a look at a job takes a moment
 */
record Background(WorkerExecutor orders, WorkerExecutor reads) {

  /** As many as Vert.x has for everything else. */
  private static final int ORDERS = 20;
  /** Fewer than the database has connections, which others need as well. */
  private static final int READS = 4;

  static Background of(Vertx vertx) {
    return new Background(vertx.createSharedWorkerExecutor("lethe-jobs", ORDERS),
        vertx.createSharedWorkerExecutor("lethe-job-reads", READS));
  }

  /** Looks at what is known of jobs; fails with what that throws. */
  <T> Future<T> ask(Callable<T> question) {
    return reads.executeBlocking(question, false);
  }

  /** Carries out what may take its time; fails with what that throws. */
  <T> Future<T> run(Callable<T> work) {
    return orders.executeBlocking(() -> {
      ThreadPriority.giveWay();
      return work.call();
    }, false);
  }
}
