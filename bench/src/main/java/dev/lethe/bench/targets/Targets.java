package dev.lethe.bench.targets;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lethe.bench.model.BenchModel;
import dev.lethe.models.files.FileTrees;
import dev.lethe.models.runtime.ExecutionDevice;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Starts what is measured, each with the same number of threads on the same cores.
 *
 * @param home of the project
 * @param work folder for logs and state
 * @param batch most images of a run, for those that gather images
 * @param clients that saturate a server
 * @param before home of another state of the project, for {@link Kind#BEFORE}
 */
public record Targets(Path home, Path work, ExecutionDevice device, Cores cores, int batch, int clients,
    Optional<Path> before) {

  /** The kinds of target, in the order in which they are shown. */
  public enum Kind {
    /** Bare sessions of the bundle's files. */
    RAW,
    /** Bare sessions of what the server computes. */
    REBUILT,
    /** The bundle's files in OpenVINO, without a server as well. */
    OPENVINO,
    LETHE,
    /** Another state of the project, on the models that it ships. */
    BEFORE, PYTHON, MLSERVER;

    /** Whether it is another's. */
    public boolean isPeer() {
      return this == OPENVINO || this == PYTHON || this == MLSERVER;
    }
  }

  /** @throws IOException if it does not start, with the end of its log */
  public Target start(Kind kind, BenchModel model) throws IOException, InterruptedException {
    // A server remembers which version is active: one for each repository, whose versions differ.
    Path folder = Files.createDirectories(work.resolve(
        kind.name().toLowerCase() + "-" + model.repository().getFileName() + "-" + model.name()));
    return start(kind, model, folder);
  }

  /**
   * Starts Lethe on a state and jobs of its own, without any from before.
   *
   * @throws IOException as {@link #start}
   */
  public ServedTarget startAnew(BenchModel model) throws IOException, InterruptedException {
    Path folder = work.resolve("lethe-anew-" + model.name());
    FileTrees.delete(folder);
    return (ServedTarget) start(Kind.LETHE, model, Files.createDirectories(folder));
  }

  private Target start(Kind kind, BenchModel model, Path folder) throws IOException, InterruptedException {
    if (kind == Kind.RAW || kind == Kind.REBUILT) {
      return RawTarget.start(model.bundle(), device, cores, batch, kind == Kind.REBUILT, folder);
    }
    if (kind == Kind.OPENVINO) {
      return RawTarget.openvino(model.bundle(), home, cores, batch, folder);
    }
    ServedTarget.Launch launch = switch (kind) {
      case LETHE -> lethe("Lethe", home, model.repository(), folder);
      case BEFORE -> lethe("Lethe before", before.orElseThrow(),
          before.get().resolve(home.relativize(model.repository().toAbsolutePath())), folder);
      case PYTHON -> python(model);
      default -> mlserver(model, folder);
    };
    return ServedTarget.start(launch, model.bundle().card(), cores, clients, folder);
  }

  /** The same with other batches and another number of clients. */
  public Targets with(int otherBatch, int otherClients) {
    return new Targets(home, work, device, cores, otherBatch, otherClients, before);
  }

  private ServedTarget.Launch lethe(String name, Path from, Path models, Path folder) throws IOException {
    int port = freePort();
    return new ServedTarget.Launch(name, Protocol.LETHE, List.of(from.resolve("lethe").toString(), "serve",
        "--port", Integer.toString(port), "--models", models.toString(), "--device", device.toString(),
        "--threads", Integer.toString(cores.threads()), "--max-batch", Integer.toString(batch),
        "--state", folder.resolve("models").toString(), "--jobs", folder.resolve("jobs").toString()), Map.of(), port);
  }

  private ServedTarget.Launch python(BenchModel model) throws IOException {
    int port = freePort();
    Path environment = home.resolve("target/peers/python");
    return new ServedTarget.Launch("Python, grpcio", Protocol.LETHE,
        List.of(environment.resolve("bin/python").toString(), home.resolve("bench/peers/python/server.py").toString(),
            "--bundle", model.bundle().directory().toString(), "--port", Integer.toString(port),
            "--threads", Integer.toString(cores.threads())),
        Map.of("PYTHONPATH", environment.resolve("stubs").toString()), port);
  }

  private ServedTarget.Launch mlserver(BenchModel model, Path folder) throws IOException {
    int port = freePort();
    ObjectMapper json = new ObjectMapper();
    json.writeValue(folder.resolve("settings.json").toFile(), Map.of("host", "127.0.0.1", "grpc_port", port,
        "http_port", freePort(), "metrics_port", freePort(),
        // In the server's own process: a worker beside it would have to share the cores with it.
        "parallel_workers", 0));
    // Its adaptive batching: without it, it runs one image after the other.
    json.writeValue(folder.resolve("model-settings.json").toFile(), Map.of("name", model.name(),
        "implementation", "runtime.Generator", "max_batch_size", batch, "max_batch_time", 0.01,
        "parameters", Map.of("uri", model.bundle().directory().toString(), "extra",
            Map.of("threads", cores.threads()))));
    return new ServedTarget.Launch("MLServer", Protocol.OPEN_INFERENCE,
        List.of(home.resolve("target/peers/mlserver/bin/mlserver").toString(), "start", folder.toString()),
        Map.of("PYTHONPATH", home.resolve("bench/peers/mlserver").toString()), port);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
