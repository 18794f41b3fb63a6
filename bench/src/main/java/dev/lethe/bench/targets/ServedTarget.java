package dev.lethe.bench.targets;

import dev.lethe.bench.load.Caller;
import dev.lethe.bench.load.ClosedLoop;
import dev.lethe.bench.load.Format;
import dev.lethe.bench.load.Load;
import dev.lethe.bench.load.OpenLoop;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceFutureStub;
import dev.lethe.inference.ServerLiveRequest;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.WatchRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** A server in a process of its own, asked over gRPC on this machine. */
public final class ServedTarget implements Target {

  private static final int CONNECTIONS = 4;
  private static final int LARGEST_ANSWER_BYTES = 64 << 20;
  private static final Duration START = Duration.ofMinutes(3);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  /**
   * How a server is started.
   *
   * @param port that it must listen on, on 127.0.0.1
   */
  record Launch(String name, Protocol protocol, List<String> command, Map<String, String> environment, int port) {}

  private final Launch launch;
  private final TargetProcess process;
  private final ModelCard card;
  private final int clients;
  private final List<ManagedChannel> channels = new ArrayList<>();
  private double startSeconds;
  private int classes;

  private ServedTarget(Launch launch, TargetProcess process, ModelCard card, int clients) {
    this.launch = launch;
    this.process = process;
    this.card = card;
    this.clients = clients;
    this.classes = card.labels().size();
  }

  /** From now on only the first so many classes are asked for; the others may be unlearned meanwhile. */
  public void askFor(int firstClasses) {
    classes = firstClasses;
  }

  /**
   * Starts a server and waits for its first image.
   *
   * @param clients that saturate it
   * @param directory for its log
   * @throws IOException if there is none within three minutes, with the end of its log
   */
  static ServedTarget start(Launch launch, ModelCard card, Cores cores, int clients, Path directory)
      throws IOException, InterruptedException {
    Path log = directory.resolve(launch.name().replaceAll("\\W+", "-") + ".log");
    ServedTarget target = new ServedTarget(launch, TargetProcess.start(cores.onServers(launch.command()),
        launch.environment(), log, false), card, clients);
    try {
      target.awaitFirstImage();
      return target;
    } catch (IOException | InterruptedException e) {
      target.close();
      throw e;
    }
  }

  private void awaitFirstImage() throws IOException, InterruptedException {
    while (!accepts()) {
      pause(null);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
      channels.add(NettyChannelBuilder.forAddress("127.0.0.1", launch.port()).usePlaintext().directExecutor()
          .maxInboundMessageSize(LARGEST_ANSWER_BYTES).build());
    }
    Caller caller = caller(Format.TENSOR, 1);
    while (startSeconds == 0) {
      try {
        caller.call(0).get();
        startSeconds = process.secondsSinceStart();
      } catch (ExecutionException e) {
        pause(e.getCause());
      }
    }
  }

  private void pause(Throwable reason) throws IOException, InterruptedException {
    process.requireAlive(launch.name());
    if (process.secondsSinceStart() > START.toSeconds()) {
      throw new IOException(launch.name() + " gave no image within " + START.toSeconds() + " s"
          + (reason == null ? "" : " (" + reason.getMessage() + ")") + "; its last lines:\n" + process.lastLines());
    }
    Thread.sleep(LOOK_AGAIN.toMillis());
  }

  private boolean accepts() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), launch.port()));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Calls in turn over all connections: those of many clients. */
  private Caller caller(Format format, int images) {
    List<Caller> callers =
        channels.stream().map(channel -> launch.protocol().caller(channel, card, classes, format, images)).toList();
    return seed -> callers.get(seed % callers.size()).call(seed);
  }

  /** One client's calls, over a connection of its own. */
  private Caller loneCaller(Format format) {
    return launch.protocol().caller(channels.get(0), card, classes, format, 1);
  }

  @Override
  public String name() {
    return launch.name();
  }

  @Override
  public double startSeconds() {
    return startSeconds;
  }

  @Override
  public Saturation saturate(Format format, Duration duration) throws InterruptedException {
    return saturate(format, 1, duration);
  }

  /** The same with several images in a call, and so fewer calls at once. */
  public Saturation saturate(Format format, int images, Duration duration) throws InterruptedException {
    return saturate(format, images, Math.max(1, clients / images), duration);
  }

  /** The same with one image a call and another number of clients. */
  public Saturation saturateBy(int otherClients, Format format, Duration duration) throws InterruptedException {
    return saturate(format, 1, otherClients, duration);
  }

  private Saturation saturate(Format format, int images, int calls, Duration duration) throws InterruptedException {
    double cpu = process.cpuSeconds();
    Load load = ClosedLoop.run(caller(format, images), calls, duration);
    return new Saturation(load.rate() * images, (process.cpuSeconds() - cpu) / load.calls() / images,
        load.bytes() / images);
  }

  @Override
  public double aloneMillis(Format format, Duration duration) throws InterruptedException {
    return ClosedLoop.run(loneCaller(format), 1, duration).millis(50);
  }

  /**
   * Calls at times of their own.
   *
   * @param rate calls a second
   * @param least calls, however short the duration
   */
  public Load atRate(Format format, double rate, int least, Duration duration) throws InterruptedException {
    return OpenLoop.run(caller(format, 1), rate, least, duration, ThreadLocalRandom.current().nextLong());
  }

  /**
   * The median time of a call that asks for nothing, {@code ServerLive}, with nothing else to do, in milliseconds: what
   * gRPC and this machine's network take. Not a number for servers that do not know the call.
   */
  public double emptyMillis(Duration duration) throws InterruptedException {
    GRPCInferenceServiceFutureStub stub = GRPCInferenceServiceGrpc.newFutureStub(channels.get(0));
    try {
      return ClosedLoop.run(
          seed -> Answers.bytes(stub.serverLive(ServerLiveRequest.getDefaultInstance()), answer -> 1), 1, duration)
          .millis(50);
    } catch (IllegalStateException e) {
      return Double.NaN;
    }
  }

  /** Has the server, which must be Lethe, swap to another version, and returns once it serves. */
  public void activate(String version) {
    ModelServiceGrpc.newBlockingStub(channels.get(0)).activate(
        ActivateRequest.newBuilder().setModel(card.name()).setVersion(version).build());
  }

  /**
   * Has the server, which must be Lethe, unlearn, without images.
   *
   * <p>Has a connection and threads of its own: on the calls' own, the classes of a job's messages would be loaded
   * while answers to calls wait, and those be charged to the server.
   *
   * @param watcher is told of every change of the job, on one of these threads
   * @return completes with the job's end, whatever it is; fails if it is refused
   */
  public CompletableFuture<Job> unlearn(UnlearnSpec spec, Consumer<Job> watcher) {
    CompletableFuture<Job> end = new CompletableFuture<>();
    ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", launch.port()).usePlaintext().build();
    end.whenComplete((job, failure) -> channel.shutdown());
    UnlearningServiceGrpc.UnlearningServiceStub stub = UnlearningServiceGrpc.newStub(channel);
    StreamObserver<SubmitRequest> upload = stub.submit(new Answer<Job>(end) {
      @Override
      public void onNext(Job accepted) {
        stub.watch(WatchRequest.newBuilder().setJobId(accepted.getId()).build(), new Answer<JobEvent>(end) {
          private Job last = accepted;

          @Override
          public void onNext(JobEvent event) {
            last = event.getJob();
            watcher.accept(last);
          }

          @Override
          public void onCompleted() {
            end.complete(last);
          }
        });
      }
    });
    upload.onNext(SubmitRequest.newBuilder().setSpec(spec.toBuilder().setModel(card.name())).build());
    upload.onCompleted();
    return end;
  }

  /** Hands a failure on. */
  private abstract static class Answer<T> implements StreamObserver<T> {

    private final CompletableFuture<?> of;

    Answer(CompletableFuture<?> of) {
      this.of = of;
    }

    @Override
    public void onError(Throwable failure) {
      of.completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {}
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    process.close();
  }
}
