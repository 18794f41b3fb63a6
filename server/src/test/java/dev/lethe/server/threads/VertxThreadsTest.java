package dev.lethe.server.threads;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
@Timeout(60)
class VertxThreadsTest {

  private static final int WORKERS = 20;

  @Test
  void noneGivesWayWhoeverAsksThemFirst() throws Exception {
    Vertx vertx = Vertx.vertx();
    try {
      VertxThreads.startAll(vertx);
      AtomicReference<Future<List<Integer>>> asked = new AtomicReference<>();
      Thread givingWay = new Thread(() -> {
        ThreadPriority.giveWay();
        asked.set(askAll(vertx));
      });
      givingWay.start();
      givingWay.join();
      Set<Integer> seen = new HashSet<>(asked.get().toCompletionStage().toCompletableFuture()
          .get(30, TimeUnit.SECONDS));
      assertEquals(Set.of(Niceness.ofThisThread()), seen);
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  /** The niceness of each worker, and of each event loop. */
  private static Future<List<Integer>> askAll(Vertx vertx) {
    List<Future<Integer>> answers = new ArrayList<>();
    CyclicBarrier together = new CyclicBarrier(WORKERS);
    for (int i = 0; i < WORKERS; i++) {
      answers.add(vertx.executeBlocking(() -> {
        together.await();
        return Niceness.ofThisThread();
      }, false));
    }
    ((VertxInternal) vertx).eventLoopGroup().forEach(loop -> {
      Promise<Integer> answer = Promise.promise();
      answers.add(answer.future());
      loop.execute(() -> {
        try {
          answer.complete(Niceness.ofThisThread());
        } catch (Exception e) {
          answer.fail(e);
        }
      });
    });
    return Future.all(answers).map(all -> all.<Integer>list());
  }
}
