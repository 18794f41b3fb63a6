package dev.lethe.server;

import dev.lethe.server.config.Configuration;
import dev.lethe.server.config.ConfigurationException;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.server.unlearning.WorkerCommand;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.ModelServiceGrpc.ModelServiceBlockingStub;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UnlearningServiceGrpc.UnlearningServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A real server on a free port over the models in {@code root/models}, and a real client of it. Its models run on the
 * environment's LETHE_TEST_DEVICE, by default the processor.
 */
public final class ServerFixture implements AutoCloseable {

  private final Server server;
  private final ManagedChannel channel;
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private ServerFixture(Server server) {
    this.server = server;
    this.channel = newChannel();
  }

  public static ServerFixture start(Path root) throws IOException {
    return start(root, Optional.empty());
  }

  public static ServerFixture start(Path root, Optional<WorkerCommand> worker) throws IOException {
    return start(root, worker.map(command -> Map.of("worker-command", line(command))).orElseGet(Map::of));
  }

  public static String line(WorkerCommand command) {
    return command.words().stream().map(word -> '"' + word + '"').collect(Collectors.joining(" "));
  }

  /** @param settings by key; what they leave out is as small as it can be */
  public static ServerFixture start(Path root, Map<String, String> settings) throws IOException {
    return start(root, settings, Optional.empty());
  }

  /** @param more settings, which go before the usual ones of a test */
  public static ServerFixture start(Path root, Map<String, String> usual, Map<String, String> more) throws IOException {
    Map<String, String> both = new HashMap<>(usual);
    both.putAll(more);
    return start(root, both);
  }

  /** @param file a YAML file, which goes before the settings */
  public static ServerFixture start(Path root, Map<String, String> settings, Optional<Path> file) throws IOException {
    Map<String, String> all = new HashMap<>(Map.of(
        "port", "0",
        "device", System.getenv().getOrDefault("LETHE_TEST_DEVICE", "cpu"),
        "models", root.resolve("models").toString(),
        "state", root.resolve("state").toString(),
        "jobs", root.resolve("jobs").toString(),
        "threads", "2",
        "drain", "5"));
    all.putAll(settings);
    try {
      return new ServerFixture(Server.start(ServerSettings.options(ServerSettings.read(
          new Configuration.Sources(Map.of(), Map.of(), file, all))), Tracing.off()));
    } catch (ConfigurationException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  public int port() {
    return server.port();
  }

  public ManagedChannel channel() {
    return channel;
  }

  /** Another connection; the caller shuts it down. */
  public ManagedChannel newChannel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext()
        .maxInboundMessageSize(64 << 20).build();
  }

  public GenerationServiceBlockingStub generation() {
    return GenerationServiceGrpc.newBlockingStub(channel);
  }

  public ModelServiceBlockingStub models() {
    return ModelServiceGrpc.newBlockingStub(channel);
  }

  public UnlearningServiceBlockingStub unlearning() {
    return UnlearningServiceGrpc.newBlockingStub(channel);
  }

  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** A metric's value of now; 0 if it is not there. */
  public double metric(String nameAndLabels) throws IOException, InterruptedException {
    Matcher line = Pattern.compile("^" + Pattern.quote(nameAndLabels) + " (\\S+)$", Pattern.MULTILINE)
        .matcher(get("/metrics").body());
    return line.find() ? Double.parseDouble(line.group(1)) : 0;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.close();
  }
}
