package dev.lethe.server.threads;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;

/**
 * The threads on which Vert.x answers calls: its event loops, and its workers. It starts each when it is first needed,
 * and a thread inherits the {@linkplain ThreadPriority priority} of whoever starts it, for good.
 */
public final class VertxThreads {

  private VertxThreads() {}

  /**
   * Starts all of them, at the priority of the calling thread: none is left for one that gives way to start. Blocks.
   *
   * @param vertx with as many threads as it has by default
   */
  public static void startAll(Vertx vertx) {
    int workers = VertxOptions.DEFAULT_WORKER_POOL_SIZE;
    CountDownLatch together = new CountDownLatch(workers);
    for (int i = 0; i < workers; i++) {
      vertx.executeBlocking(() -> {
        // A worker that were done would be given the next one's task, and no other be started.
        together.countDown();
        together.await();
        return null;
      }, false);
    }
    // Each instance is given the next event loop.
    Future<String> loops = vertx.deployVerticle(() -> new VerticleBase() {},
        new DeploymentOptions().setInstances(VertxOptions.DEFAULT_EVENT_LOOP_POOL_SIZE));
    try {
      together.await();
      loops.compose(vertx::undeploy).toCompletionStage().toCompletableFuture().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("event loops cannot be started", e);
    }
  }
}
