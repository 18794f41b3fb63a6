package dev.lethe.server;

import dev.lethe.models.runtime.ExecutionDevice;
import dev.lethe.models.runtime.NativeRuntimeException;
import dev.lethe.server.unlearning.WorkerCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lethe serve}. */
@Command(name = "lethe serve", sortOptions = false, usageHelpWidth = 100,
    description = "Serves models over gRPC, and unlearns on request. When it is ready it prints one line on standard"
        + " output, \"lethe: serving on HOST:PORT\". SIGTERM and SIGINT end it after the calls in flight.")
public final class ServeCommand implements Callable<Integer> {

  @Option(names = "--models", paramLabel = "DIR", defaultValue = "onnx-models/bundles",
      description = "Shipped models, MODEL/VERSION/ each a bundle; only read. Default: ${DEFAULT-VALUE}")
  private Path models;

  @Option(names = "--state", paramLabel = "DIR", defaultValue = "runs/models",
      description = "Where unlearned versions go, and which version is active. Default: ${DEFAULT-VALUE}")
  private Path state;

  @Option(names = "--jobs", paramLabel = "DIR", defaultValue = "runs/jobs",
      description = "Unlearning jobs. Default: ${DEFAULT-VALUE}")
  private Path jobs;

  @Option(names = "--data", paramLabel = "DIR",
      description = "Data set that unlearning takes learning images from where a request sends none.")
  private Path data;

  @Option(names = "--worker-command", paramLabel = "COMMAND", defaultValue = "${sys:lethe.worker.command:-}",
      description = "Program that carries out unlearning jobs; it gets the job's directory as its last argument."
          + " Arguments with blanks go between double quotes. Without it, requests to unlearn are refused.")
  private String workerCommand;

  @Option(names = "--host", paramLabel = "ADDRESS", defaultValue = "127.0.0.1",
      description = "Address to listen on; 0.0.0.0 for all. There is no authentication. Default: ${DEFAULT-VALUE}")
  private String host;

  @Option(names = "--port", paramLabel = "PORT", defaultValue = "8080",
      description = "Port for gRPC and HTTP; 0 for a free one. Default: ${DEFAULT-VALUE}")
  private int port;

  @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "cpu",
      description = "Where models run: cpu, cuda or cuda:ID. Default: ${DEFAULT-VALUE}")
  private String device;

  @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
      description = "Batches computed at once; 0 for one on each core. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(names = "--drain", paramLabel = "SECONDS", defaultValue = "10",
      description = "How long calls in flight may go on at the end. Default: ${DEFAULT-VALUE}")
  private int drain;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
  private boolean help;

  @Spec
  private CommandSpec spec;

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new ServeCommand()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    ServerOptions options = options();
    Server server;
    try {
      server = Server.start(options);
    } catch (IOException | NativeRuntimeException e) {
      System.err.println("lethe: " + e.getMessage());
      return 1;
    }
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      server.close();
      ended.countDown();
    }, "lethe-shutdown"));
    System.out.println("lethe: serving on " + (host.contains(":") ? "[" + host + "]" : host) + ":" + server.port());
    ended.await();
    return 0;
  }

  private ServerOptions options() {
    if (port < 0 || port > 65535) {
      throw invalid("--port is " + port + "; it must be from 0 to 65535");
    }
    if (threads < 0 || threads > 1024) {
      throw invalid("--threads is " + threads + "; it must be from 0 to 1024");
    }
    if (drain < 0) {
      throw invalid("--drain is " + drain + "; it must be 0 or more");
    }
    if (data != null && !Files.isDirectory(data)) {
      throw invalid("--data: " + data + " is not a directory");
    }
    ExecutionDevice where;
    try {
      where = ExecutionDevice.parse(device);
    } catch (IllegalArgumentException e) {
      throw invalid("--device: " + e.getMessage());
    }
    return new ServerOptions(host, port, models, state, jobs,
        workerCommand.isBlank() ? Optional.empty() : Optional.of(WorkerCommand.parse(workerCommand)),
        Optional.ofNullable(data), where, threads == 0 ? Runtime.getRuntime().availableProcessors() : threads,
        Duration.ofSeconds(drain));
  }

  private ParameterException invalid(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
