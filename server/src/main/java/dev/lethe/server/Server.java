package dev.lethe.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntime;
import dev.lethe.models.runtime.NativeRuntimeException;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.config.Setting;
import dev.lethe.server.console.Console;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.events.EventLog;
import dev.lethe.server.events.EventLog.Entry;
import dev.lethe.server.events.EventWriter;
import dev.lethe.server.events.LedgerInLog;
import dev.lethe.server.generation.GenerationService;
import dev.lethe.server.http.HttpFrontend;
import dev.lethe.server.http.Limits;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inspection.InspectionService;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.lifecycle.Signatory;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.modelstore.ModelStore;
import dev.lethe.server.monitoring.GpuMemory;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.openinference.OpenInferenceService;
import dev.lethe.server.openinference.Release;
import dev.lethe.server.provenance.SigningKey;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.registry.ModelService;
import dev.lethe.server.rest.Rest;
import dev.lethe.server.rpc.Arrivals;
import dev.lethe.server.rpc.Connections;
import dev.lethe.server.rpc.Health;
import dev.lethe.server.rpc.Reflection;
import dev.lethe.server.rpc.RpcService;
import dev.lethe.server.security.AccessControl;
import dev.lethe.server.security.MethodRule;
import dev.lethe.server.security.Tls;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DirectoryLock;
import dev.lethe.server.threads.VertxThreads;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.server.unlearning.UnlearningService;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.net.ServerSSLOptions;
import io.vertx.grpc.server.Service;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running server: its parts put together, started and stopped in order. */
public final class Server implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Server.class);

  /** What is left to do after calls were drained takes no longer than this. */
  private static final Duration CLOSING = Duration.ofSeconds(30);
  /** The status that Java's own flag, -XX:+ExitOnOutOfMemoryError, ends a process with. */
  private static final int OUT_OF_MEMORY = 3;

  private final Vertx vertx;
  private final ServerOptions options;
  private final Tracing tracing;
  private final List<DirectoryLock> locks = new ArrayList<>();
  private Database database;
  private EventWriter events;
  private Health health;
  private ModelRegistry registry;
  private GpuMemory gpuMemory;
  private InferenceEngine engine;
  private UnlearningService unlearning;
  private String frontends;
  private int port;
  private volatile boolean closing;

  private Server(Vertx vertx, ServerOptions options, Tracing tracing) {
    this.vertx = vertx;
    this.options = options;
    this.tracing = tracing;
    vertx.exceptionHandler(this::unexpected);
  }

  /** Java's own flag ends the process if its heap is full; this does if memory beside the heap is. */
  private void unexpected(Throwable failure) {
    if (closing && failure instanceof RejectedExecutionException) {
      // A timer that ran out while its threads ended: what it was for ends, too.
      return;
    }
    LOG.error("unexpected", failure);
    if (failure instanceof OutOfMemoryError) {
      Runtime.getRuntime().halt(OUT_OF_MEMORY);
    }
  }

  /**
   * Loads the models, takes up the jobs and listens. Blocks until requests are answered.
   *
   * @param tracing closed with the server
   * @throws IOException if there is no model, one does not load, or the port cannot be had; with the reason
   * @throws NativeRuntimeException if ONNX Runtime or the device cannot be used, with what to do
   */
  public static Server start(ServerOptions options, Tracing tracing) throws IOException {
    Server server = new Server(Vertx.vertx(new VertxOptions().setPreferNativeTransport(true)), options, tracing);
    boolean started = false;
    try {
      VertxThreads.startAll(server.vertx);
      server.open();
      started = true;
      return server;
    } finally {
      if (!started) {
        server.close();
      }
    }
  }

  private void open() throws IOException {
    requireWritable(ServerSettings.STATE, options.state());
    requireWritable(ServerSettings.JOBS, options.jobs());
    openStore();
    ServerMetrics metrics = new ServerMetrics();
    ModelStore store = new DiskModelStore(options.models(), options.state());
    NativeRuntime.shareThreads(options.compute().threads());
    ExecutionDevice device = NativeRuntime.load().usable(options.compute().device());
    if (device instanceof ExecutionDevice.Cuda) {
      gpuMemory = GpuMemory.watch();
      metrics.gpuMemory(gpuMemory::readings);
    }
    engine = new InferenceEngine(options.compute().on(device), options.batching(), options.ownOptions(), metrics,
        tracing.tracer());
    EventLog log = new EventLog(database);
    Lifecycle lifecycle = lives(log, store);
    SigningKey key = SigningKey.open(options.signingKey());
    log.append(List.of(Entry.now("started", JsonNodeFactory.instance.objectNode().put("release", Release.version())
        .put("key", key.verificationKey().hint()))));
    registry = ModelRegistry.open(vertx, store, engine, metrics, lifecycle,
        new Signatory(key, Release.NAME + " " + Release.version()));
    registry.purgeOverdue(vertx);
    warnOfAbsentModels();
    events = new EventWriter(log);
    AuditLog audit = new AuditLog(events::write, log::count);
    unlearning = UnlearningService.open(vertx, registry, database,
        MasterKey.open(System.getenv(MasterKey.VARIABLE), options.keyFile()), options.jobs(), options.unlearning(),
        options.data(), locks.stream().allMatch(DirectoryLock::wasAlone), metrics, audit);

    AccessControl access = AccessControl.open(vertx, options.access());
    Limits limits = options.limits();
    Arrivals arrivals = new Arrivals(limits.arrivingBytes(), metrics);
    metrics.arrivingBytes(arrivals::held);
    RpcService.Settings settings = new RpcService.Settings(limits.messageBytes(), metrics,
        new Connections(limits.connections(), limits.times(), metrics), arrivals, access, tracing, audit);
    List<Service> services = new ArrayList<>(List.of(
        new GenerationService(registry, engine, options.latents(), limits.images(), limits.streamImages())
            .service(settings),
        unlearning.service(settings),
        InspectionService.open(vertx, registry, options.jobs(), options.database().isShared(),
            options.unlearning().command(),
            options.data()).service(settings),
        new ModelService(vertx, registry, options.latents()).service(settings),
        new OpenInferenceService(vertx, registry, engine, options.latents(), limits.images(),
            () -> health.isServing() && registry.servesAny()).service(settings)));
    health = new Health(services.stream().map(s -> s.name().fullyQualifiedName()).collect(Collectors.toSet()));
    services.add(health.service(settings));
    services.add(new Reflection(services).service(settings));

    requireRules(services);
    listen(services, settings, metrics);
    health.serving(true);
  }

  /** Better said now than after hours of a job, when its result has to go somewhere. */
  private static void requireWritable(Setting<Path> setting, Path folder) throws IOException {
    try {
      // Asking for permissions is not enough: file systems can be full, or only for reading.
      Files.delete(Files.createTempFile(Files.createDirectories(folder), ".lethe-", ".probe"));
    } catch (IOException e) {
      throw new IOException(setting.key() + ": the folder " + folder.toAbsolutePath() + " cannot be written (" + e
          + "); make it writable, or name another with " + setting.flag(), e);
    }
  }

  /** Servers that share a database agree by it, and share the folders too. */
  private void openStore() throws IOException {
    List<Path> folders = List.of(options.state(), options.jobs());
    Optional<Path> file = options.database().file();
    if (file.isPresent()) {
      for (Path folder : folders) {
        locks.add(DirectoryLock.take(folder));
      }
      locks.add(DirectoryLock.takeFile(file.get()));
      database = Database.open(options.database());
      return;
    }
    database = Database.open(options.database());
    for (Path folder : folders) {
      locks.add(DirectoryLock.share(folder, database.identity()));
    }
  }

  /** What is written down of versions; refuses to begin anew where that is not wanted. */
  private Lifecycle lives(EventLog log, ModelStore store) throws IOException {
    boolean blank = log.head().isEmpty() && store.isEmpty();
    if (blank && !options.emptyState()) {
      throw new IOException("the folder of state " + options.state() + " is empty, and the database "
          + options.database() + " knows of nothing: has this server worked before, its state is lost, and what was"
          + " erased would be served again; restore both. If this is its first start, start it once with "
          + ServerSettings.EMPTY_STATE.flag() + " accept");
    }
    Lifecycle lifecycle = new Lifecycle(new LedgerInLog(log), options.rules());
    lifecycle.confirmLost(options.confirmedLost(), ServerSettings.CONFIRM_LOST.flag());
    return lifecycle;
  }

  /** It may be a slip, or a model that is put on disk and loaded later. */
  private void warnOfAbsentModels() {
    for (String name : options.ownOptions().keySet()) {
      if (registry.find(name).isEmpty()) {
        LOG.warn("{}.{}: there is no model {} yet; there are {}. These settings hold once it is loaded",
            ServerSettings.PER_MODEL.key(), name, name, registry.names());
      }
    }
  }

  /** A method that nobody has thought about must not be served to anyone. */
  private static void requireRules(List<Service> services) {
    services.forEach(service -> service.descriptor().getMethods().forEach(method -> {
      String name = service.name().fullyQualifiedName() + "/" + method.getName();
      if (MethodRule.of(name).isEmpty()) {
        throw new IllegalStateException("there is no rule for who may call " + name);
      }
    }));
  }

  private void listen(List<Service> services, RpcService.Settings settings, ServerMetrics metrics)
      throws IOException {
    Optional<Tls> tls = options.tls().map(files -> new Tls(vertx, files, metrics::certificateExpires));
    Optional<ServerSSLOptions> certificates = tls.isPresent() ? Optional.of(tls.get().load()) : Optional.empty();
    Rest rest = new Rest(services, settings);
    Optional<Console> console = options.console() ? Optional.of(new Console()) : Optional.empty();
    Queue<HttpFrontend> instances = new ConcurrentLinkedQueue<>();
    // A negative port is a free one that all instances share; with 0 each would get its own.
    int asked = options.port() == 0 ? -1 : options.port();
    Future<String> deployed = vertx.deployVerticle(() -> {
      HttpFrontend instance = new HttpFrontend(options.host(), asked, certificates, options.limits(), services,
          settings, rest, console, options.origins(), health, metrics, options.drain());
      instances.add(instance);
      return instance;
    }, new DeploymentOptions().setInstances(Math.max(1, Runtime.getRuntime().availableProcessors() / 2)));
    try {
      frontends = deployed.toCompletionStage().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw new IOException("cannot listen on " + options.host() + ":" + options.port() + ": "
          + e.getCause().getMessage() + "; choose another place with --host and --port", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while starting", e);
    }
    // They share one listening socket, and so its certificates.
    HttpFrontend any = instances.element();
    port = any.actualPort();
    if (tls.isPresent()) {
      tls.get().watch(any::updateTls);
    }
  }

  /** The port that it listens on. */
  public int port() {
    return port;
  }

  /** Stops taking calls, lets those in flight end, stops the job that runs, and closes everything. Blocks. */
  @Override
  public void close() {
    try {
      if (health != null) {
        LOG.info("draining: no new calls; those in flight have {} s to end", options.drain().toSeconds());
        health.end();
      }
      if (unlearning != null) {
        unlearning.queue().close();
      }
      if (frontends != null) {
        await(vertx.undeploy(frontends), options.drain());
      }
      if (engine != null) {
        engine.close();
      }
      if (registry != null) {
        await(registry.close(), Duration.ZERO);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (gpuMemory != null) {
        gpuMemory.close();
      }
      tracing.close();
      closing = true;
      vertx.close();
      closeStore();
    }
  }

  /** Last: whoever waits for the folders may have them at once. */
  private void closeStore() {
    if (events != null) {
      try {
        events.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    if (database != null) {
      database.close();
    }
    for (DirectoryLock lock : locks) {
      try {
        lock.close();
      } catch (IOException e) {
        LOG.warn("a folder is not let go of before the process ends: {}", e.getMessage());
      }
    }
  }

  private static void await(Future<Void> closing, Duration drain) throws InterruptedException {
    try {
      closing.toCompletionStage().toCompletableFuture().get(drain.plus(CLOSING).toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("closing is not complete: {}", e.toString());
    }
  }
}
