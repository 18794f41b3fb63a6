package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.runtime.Compute;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.erasure.Approval;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.ServingCompute;
import dev.lethe.server.lifecycle.TestLives;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.store.Database;
import dev.lethe.server.tracing.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a model ends while orders wait for the loader. */
@Timeout(120)
class ServedModelTest {

  private static final int MOMENT_MS = 100;

  @TempDir
  Path root;

  private final Vertx vertx = Vertx.vertx();
  private final ServerMetrics metrics = new ServerMetrics();
  private final CountDownLatch go = new CountDownLatch(1);
  private WorkerExecutor loader;
  private InferenceEngine engine;
  private ServedModel model;
  private ModelStore repository;
  private volatile boolean readOnly;

  @BeforeEach
  void start() throws Exception {
    for (String version : List.of("v1", "v2", "v3")) {
      TinyBundles.conditional(root.resolve("models"), version, version.hashCode());
    }
    loader = vertx.createSharedWorkerExecutor("loader", 1);
    engine = new InferenceEngine(new ServingCompute(Compute.cpu(1), Precision.FP32, ServingCompute.Graphs.AUTO),
        new BatchingOptions(1, Duration.ZERO, 1, 100), Map.of(), metrics, Tracing.off().tracer());
    ModelStore disk = new DiskModelStore(root.resolve("models"), root.resolve("state"));
    repository = (ModelStore) Proxy.newProxyInstance(ModelStore.class.getClassLoader(),
        new Class<?>[] {ModelStore.class}, (proxy, method, arguments) -> {
          if (method.getName().equals("choose") && readOnly) {
            throw new IOException("Read-only file system");
          }
          try {
            return method.invoke(disk, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
        });
    repository.choose("tiny", "v1");
    model = new ServedModel("tiny", repository,
        new Succession("tiny", repository, TestLives.lifecycle(), TestLives.signatory(root)),
        new VersionLoader(engine, metrics), loader, metrics);
    await(loader.executeBlocking(() -> {
      model.start();
      return null;
    }));
  }

  @AfterEach
  void stop() throws Exception {
    engine.close();
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  /** The loader has no time for what comes until {@link #go}. */
  private void keepLoaderBusy() {
    loader.executeBlocking(() -> go.await(60, TimeUnit.SECONDS), false);
  }

  private boolean isLoaded(int versions) {
    return metrics.text().contains("lethe_model_loaded_versions{model=\"tiny\",} " + (double) versions + "\n");
  }

  @Test
  void itsEndWaitsForAVersionThatWasStillToBeLoaded() throws Exception {
    keepLoaderBusy();
    Future<Lease> leased = model.lease("v2");
    Future<Void> closed = model.close();
    go.countDown();
    Lease lease = await(leased);
    assertEquals("v2", lease.card().version());
    // Time enough for an end that does not wait.
    assertThrows(TimeoutException.class,
        () -> closed.toCompletionStage().toCompletableFuture().get(MOMENT_MS, TimeUnit.MILLISECONDS));
    lease.close();
    await(closed);
    assertTrue(isLoaded(0), metrics::text);
  }

  @Test
  void itsEndWaitsForASwapThatWasOrderedBefore() throws Exception {
    Lease old = model.lease();
    keepLoaderBusy();
    Future<Optional<String>> swapped = model.activate("v3", "operator", "");
    Future<Void> closed = model.close();
    go.countDown();
    assertEquals(Optional.of("v1"), await(swapped));
    assertFalse(closed.isComplete());
    old.close();
    await(closed);
    assertTrue(isLoaded(0), metrics::text);
  }

  @Test
  void ordersAfterItsEndAreRefusedAndLoadNothing() throws Exception {
    keepLoaderBusy();
    Future<Void> closed = model.close();
    List<Future<?>> late = List.of(model.lease("v2"), model.activate("v3", "operator", ""), model.load(),
        model.unload());
    go.countDown();
    await(closed);
    for (Future<?> order : late) {
      ExecutionException refused = assertThrows(ExecutionException.class, () -> await(order));
      assertInstanceOf(Unavailable.class, refused.getCause(), refused::toString);
    }
    assertThrows(Unavailable.class, model::lease);
    assertTrue(isLoaded(0), metrics::text);
  }

  @Test
  void beingUnloadedDecidesNothingAboutACandidate() throws Exception {
    Bundle candidate = TinyBundles.conditional(root.resolve("job"), "v4", 4);
    await(model.unload());
    for (Future<?> order : List.of(model.install(candidate, "v1"),
        model.promote("v4", "v1", Approval.gates(), Database.Work.NOTHING))) {
      ExecutionException refused = assertThrows(ExecutionException.class, () -> await(order));
      assertInstanceOf(Unavailable.class, refused.getCause(), refused::toString);
    }
    await(model.load());
    assertTrue(await(model.promote("v4", "v1", Approval.gates(), Database.Work.NOTHING)));
    assertEquals(Optional.of("v4"), model.activeVersion());
    await(model.close());
  }

  /** The order is in the log by then: a version that it has retired must not go on being served. */
  @Test
  void whatIsChosenServesThoughTheChoiceCannotBeWrittenDown() throws Exception {
    readOnly = true;
    ExecutionException failure = assertThrows(ExecutionException.class,
        () -> await(model.promote("v2", "v1", Approval.gates(), Database.Work.NOTHING)));
    assertInstanceOf(ChoiceNotWrittenException.class, failure.getCause().getCause(), failure::toString);
    assertEquals(Optional.of("v2"), model.activeVersion());
    assertEquals(Optional.of("v1"), repository.chosen("tiny"));
    // What stands there is from before, and no choice of another server.
    await(model.follow());
    await(model.load());
    assertEquals(Optional.of("v2"), model.activeVersion());
    readOnly = false;
    await(model.follow());
    assertEquals(Optional.of("v2"), repository.chosen("tiny"));
    assertEquals(Optional.of("v2"), model.activeVersion());
    assertFalse(model.isAhead());
    await(model.close());
  }

  @Test
  void aChoiceThatIsNotWrittenDownIsOneAllTheSame() throws Exception {
    readOnly = true;
    for (List<String> step : List.of(List.of("v1", "v2"), List.of("v2", "v3"))) {
      assertThrows(ExecutionException.class,
          () -> await(model.promote(step.get(1), step.get(0), Approval.gates(), Database.Work.NOTHING)));
      assertEquals(Optional.of(step.get(1)), model.activeVersion());
    }
    await(model.unload());
    await(model.load());
    assertEquals(Optional.of("v3"), model.activeVersion());
    assertEquals(Optional.of("v1"), repository.chosen("tiny"));
    await(model.close());
  }

  @Test
  void aNewerChoiceIsNotWrittenOver() throws Exception {
    readOnly = true;
    assertThrows(ExecutionException.class,
        () -> await(model.promote("v2", "v1", Approval.gates(), Database.Work.NOTHING)));
    readOnly = false;
    repository.choose("tiny", "v3");
    await(model.follow());
    assertEquals(Optional.of("v3"), repository.chosen("tiny"));
    assertFalse(model.isAhead());
    await(model.close());
  }
}
