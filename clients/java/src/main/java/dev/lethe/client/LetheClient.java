package dev.lethe.client;

import dev.lethe.client.tls.TlsFiles;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GenerationServiceGrpc.GenerationServiceBlockingStub;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.GetErasureCertificateRequest;
import dev.lethe.v1.GetErasureCertificateResponse;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.InspectEvent;
import dev.lethe.v1.Inspection;
import dev.lethe.v1.InspectionServiceGrpc;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListJobsResponse;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.ModelServiceGrpc.ModelServiceBlockingStub;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.Progress;
import dev.lethe.v1.ProjectEvent;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.Projection;
import dev.lethe.v1.PurgeRequest;
import dev.lethe.v1.PurgeResponse;
import dev.lethe.v1.RejectJobRequest;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.RetryJobRequest;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.UnlearningServiceGrpc.UnlearningServiceBlockingStub;
import dev.lethe.v1.WatchRequest;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A Lethe server over gRPC. Thread-safe; one client serves a whole application. Every method throws {@link
 * LetheException} when the server refuses the call or cannot be reached.
 *
 * <pre>{@code
 * try (LetheClient lethe = LetheClient.builder().address("localhost:8080").build()) {
 *   GenerateResponse sevens = lethe.generate(GenerateRequest.newBuilder().setLabel("7").setCount(4).build());
 *   Job job = lethe.submitUnlearn(UnlearnSpec.getDefaultInstance(), unlearn, learn);
 *   Job ended = lethe.watch(job.getId(), now -> System.out.println(now.getProgress().getStage()));
 * }
 * }</pre>
 */
public final class LetheClient implements AutoCloseable {

  /** The port that a server listens on unless told otherwise. */
  public static final int DEFAULT_PORT = 8080;

  /** An answer may hold many large images. */
  private static final int MAX_ANSWER_BYTES = 256 << 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;
  private final GenerationServiceBlockingStub generation;
  private final ModelServiceBlockingStub models;
  private final UnlearningServiceBlockingStub unlearning;
  private final Duration timeout;
  private final Retry retry;

  private LetheClient(Builder builder) {
    ManagedChannelBuilder<?> channel =
        Grpc.newChannelBuilderForAddress(builder.host, builder.port, builder.credentials())
            .maxInboundMessageSize(MAX_ANSWER_BYTES).intercept(new LikelyCauses(builder.tls));
    if (builder.token != null) {
      Metadata headers = new Metadata();
      headers.put(AUTHORIZATION, "Bearer " + builder.token);
      channel.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    this.channel = channel.build();
    this.generation = GenerationServiceGrpc.newBlockingStub(this.channel);
    this.models = ModelServiceGrpc.newBlockingStub(this.channel);
    this.unlearning = UnlearningServiceGrpc.newBlockingStub(this.channel);
    this.timeout = builder.timeout;
    this.retry = builder.retry;
  }

  public static Builder builder() {
    return new Builder();
  }

  /**
   * Where the server is; by default localhost:{@value LetheClient#DEFAULT_PORT}, without TLS, without a timeout; calls
   * are made again as {@link Retry#USUAL} says.
   */
  public static final class Builder {
    private String host = "localhost";
    private int port = DEFAULT_PORT;
    private Duration timeout;
    private Retry retry = Retry.USUAL;
    private boolean tls;
    private Address address;
    private Path authority;
    private TlsFiles.Identity identity;
    private String token;

    private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7e]+");

    private Builder() {}

    /**
     * Host and port at once, as users write them.
     *
     * @param text {@code HOST:PORT}, {@code HOST} (port {@value LetheClient#DEFAULT_PORT}), {@code http://HOST[:PORT]}
     *     (without TLS; port 80), {@code https://HOST[:PORT]} (with TLS; port 443)
     * @throws LetheException INVALID_ARGUMENT if it is none of these
     */
    public Builder address(String text) {
      try {
        address = Address.parse(text);
      } catch (IllegalArgumentException e) {
        throw new LetheException(Status.Code.INVALID_ARGUMENT, "address: is \"" + text + "\"; " + e.getMessage(), e);
      }
      if (address.tls().orElse(false)) {
        tls();
      }
      return host(address.host()).port(address.port());
    }

    public Builder host(String name) {
      host = name;
      return this;
    }

    public Builder port(int number) {
      port = number;
      return this;
    }

    /**
     * For calls with one answer, repetitions included; one that takes longer fails with DEADLINE_EXCEEDED. Without it there
     * is no limit.
     *
     * @param longest above 0
     * @throws LetheException INVALID_ARGUMENT if it is not
     */
    public Builder timeout(Duration longest) {
      if (longest.isZero() || longest.isNegative()) {
        throw new LetheException(Status.Code.INVALID_ARGUMENT,
            "timeout: is " + longest + "; it must be longer than 0; left out there is no limit", null);
      }
      timeout = longest;
      return this;
    }

    /** When calls are made again: {@link Retry#USUAL} unless set; {@link Retry#NONE} makes each once. */
    public Builder retry(Retry repetitions) {
      retry = repetitions;
      return this;
    }

    /** Speaks TLS, and trusts the authorities that Java trusts. */
    public Builder tls() {
      tls = true;
      return this;
    }

    /** Speaks TLS, and trusts the authorities of this PEM file alone. */
    public Builder tls(Path authorities) {
      authority = authorities;
      return tls();
    }

    /** Shows the server a certificate (mutual TLS); both files in PEM, the key in PKCS #8. */
    public Builder certificate(Path chain, Path privateKey) {
      identity = new TlsFiles.Identity(chain, privateKey);
      return tls();
    }

    /**
     * Sends a bearer token with every call. Without TLS, everyone on the way can read it.
     *
     * @throws LetheException INVALID_ARGUMENT if no header can hold it
     */
    public Builder token(String bearer) {
      if (!TOKEN.matcher(bearer).matches()) {
        // Not the token itself: messages end up in logs.
        throw new LetheException(Status.Code.INVALID_ARGUMENT, "token: holds blanks, or characters beyond ASCII", null);
      }
      token = bearer;
      return this;
    }

    /** @throws LetheException INVALID_ARGUMENT if a file of TLS cannot be used, or goes with no http:// address: which, why */
    public LetheClient build() {
      return new LetheClient(this);
    }

    private ChannelCredentials credentials() {
      if (!tls) {
        return InsecureChannelCredentials.create();
      }
      if (address != null && !address.tls().orElse(true)) {
        throw new LetheException(Status.Code.INVALID_ARGUMENT,
            "address: says http://, without TLS, and TLS is asked for as well; say https://, or leave TLS out", null);
      }
      try {
        return new TlsFiles(Optional.ofNullable(authority), Optional.ofNullable(identity)).credentials();
      } catch (FileSystemException e) {
        String file = e.getFile();
        String field = authority != null && file.equals(authority.toString()) ? "ca"
            : file.equals(identity.key().toString()) ? "key" : "certificate";
        throw new LetheException(Status.Code.INVALID_ARGUMENT, field + ": " + file + ": " + e.getReason(), e);
      } catch (IOException e) {
        throw new LetheException(Status.Code.INVALID_ARGUMENT, "a file of TLS cannot be read: " + e.getMessage(), e);
      }
    }
  }

  /**
   * Generates all images of a request in one answer.
   *
   * <p>Seeds are unsigned, from 0 to 2^32 - 1, and Java's int is not: one from 2^31 on is negative there. {@code
   * addValues((int) 4294967295L)} asks for the largest, and {@code Integer.toUnsignedLong(image.getSeed())} reads any.
   */
  public GenerateResponse generate(GenerateRequest request) {
    return ask(generation, true, stub -> stub.generate(request));
  }

  /**
   * Generates images one by one, in order, as the stream is consumed; closing it early cancels the rest. Seeds are read as
   * of {@link #generate}.
   */
  public Stream<GeneratedImage> generateStream(GenerateRequest request) {
    Context.CancellableContext context = Context.current().withCancellation();
    Images images = new Images(request, context);
    return StreamSupport
        .stream(Spliterators.spliteratorUnknownSize(images, Spliterator.ORDERED | Spliterator.NONNULL), false)
        .onClose(() -> context.cancel(null));
  }

  /** A call of {@code GenerateStream}, made again as long as no image has come: what came would come twice. */
  private final class Images implements Iterator<GeneratedImage> {

    private final GenerateRequest request;
    private final Context context;
    private Iterator<GeneratedImage> images;
    private boolean begun;

    Images(GenerateRequest request, Context context) {
      this.request = request;
      this.context = context;
      open();
    }

    private void open() {
      Context previous = context.attach();
      try {
        images = generation.generateStream(request);
      } finally {
        context.detach(previous);
      }
    }

    @Override
    public boolean hasNext() {
      for (int made = 1; ; made++) {
        try {
          boolean next = images.hasNext();
          begun |= next;
          return next;
        } catch (StatusRuntimeException e) {
          LetheException failure = LetheException.of(e);
          pause(retry.pause(failure, made, true).filter(pause -> !begun).orElseThrow(() -> failure));
          open();
        }
      }
    }

    @Override
    public GeneratedImage next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return images.next();
    }
  }

  /**
   * Uploads images and queues a job.
   *
   * @param unlearn images that the model shall forget, PNG or JPEG, of the model's resolution
   * @param learn images of what it must keep, for the few-shot mode; may be empty
   * @return the queued job
   */
  public Job submitUnlearn(UnlearnSpec spec, List<LabelledImage> unlearn, List<LabelledImage> learn) {
    List<SubmitRequest> messages = Upload.messages(spec, unlearn, learn);
    return ask(UnlearningServiceGrpc.newStub(channel), false, stub -> {
      AtomicReference<Job> queued = new AtomicReference<>();
      Upload<Job> upload = new Upload<>(messages.iterator(), queued::set);
      stub.submit(upload);
      try {
        upload.await();
        return answer(queued.get());
      } catch (LetheException e) {
        throw Upload.placed(e, unlearn, learn);
      }
    });
  }

  private static <T> T answer(T answer) {
    if (answer == null) {
      throw new LetheException(Status.Code.INTERNAL, "the server ended the call without an answer", null);
    }
    return answer;
  }

  /**
   * A dry run: what a job of this specification would find of images. Changes nothing.
   *
   * @param progress told how far it is, on a thread of the channel's
   */
  public Inspection inspect(UnlearnSpec spec, List<LabelledImage> images, Consumer<Progress> progress) {
    List<SubmitRequest> messages = Upload.messages(spec, images, List.of());
    for (int made = 1; ; made++) {
      AtomicReference<Inspection> found = new AtomicReference<>();
      Upload<InspectEvent> upload = new Upload<>(messages.iterator(), event -> {
        if (event.hasProgress()) {
          progress.accept(event.getProgress());
        } else {
          found.set(event.getInspection());
        }
      });
      InspectionServiceGrpc.newStub(channel).inspect(upload);
      try {
        upload.await();
        return answer(found.get());
      } catch (LetheException e) {
        LetheException failure = Upload.placed(e, images, List.of());
        pause(retry.pause(failure, made, true).orElseThrow(() -> failure));
      }
    }
  }

  /**
   * Looks for the latents at which a model draws what is nearest to an image.
   *
   * @param progress told how far it is, on this thread
   */
  public Projection project(ProjectRequest request, Consumer<Progress> progress) {
    for (int made = 1; ; made++) {
      Projection found = null;
      try {
        Iterator<ProjectEvent> events = InspectionServiceGrpc.newBlockingStub(channel).project(request);
        while (events.hasNext()) {
          ProjectEvent event = events.next();
          if (event.hasProgress()) {
            progress.accept(event.getProgress());
          } else {
            found = event.getProjection();
          }
        }
        return answer(found);
      } catch (StatusRuntimeException e) {
        LetheException failure = LetheException.of(e);
        pause(retry.pause(failure, made, true).orElseThrow(() -> failure));
      }
    }
  }

  /**
   * Follows a job until it ends. A connection that breaks on the way is made again, for as long as {@link
   * Retry#watchPatience} says.
   *
   * @param observer called on this thread with the job as it is now, then after every change
   * @return the ended job
   */
  public Job watch(String jobId, Consumer<Job> observer) {
    return follow(jobId, Optional.empty(), observer).orElseThrow();
  }

  /**
   * The same, for no longer than a while.
   *
   * @param longest above 0
   * @return the ended job; empty if it has not ended by then, which goes on
   */
  public Optional<Job> watch(String jobId, Duration longest, Consumer<Job> observer) {
    return follow(jobId, Optional.of(Deadline.after(longest.toNanos(), TimeUnit.NANOSECONDS)), observer);
  }

  private Optional<Job> follow(String jobId, Optional<Deadline> end, Consumer<Job> observer) {
    UnlearningServiceBlockingStub limited = end.map(unlearning::withDeadline).orElse(unlearning);
    Job last = null;
    long lost = 0;
    int tries = 0;
    while (true) {
      LetheException failure;
      try {
        Iterator<JobEvent> events = limited.watch(WatchRequest.newBuilder().setJobId(jobId).build());
        while (events.hasNext()) {
          Job now = events.next().getJob();
          tries = 0;
          // A new connection tells first what the last one told.
          if (!now.equals(last)) {
            last = now;
            observer.accept(now);
          }
        }
        if (last != null && hasEnded(last)) {
          return Optional.of(last);
        }
        failure = new LetheException(Status.Code.UNAVAILABLE,
            "the server stopped reporting before job " + jobId + " ended", null);
      } catch (StatusRuntimeException e) {
        failure = LetheException.of(e);
      }
      if (failure.code() == Status.Code.DEADLINE_EXCEEDED && end.filter(Deadline::isExpired).isPresent()) {
        return Optional.empty();
      }
      lost = tries++ == 0 ? System.nanoTime() : lost;
      if (!Retry.passes(failure, true)) {
        throw failure;
      }
      Duration pause = retry.pause(failure, tries);
      // Of a server that is not there any more, that is what there is to tell.
      if (System.nanoTime() - lost + pause.toNanos() >= retry.watchPatience().toNanos()
          || end.filter(time -> time.timeRemaining(TimeUnit.NANOSECONDS) <= pause.toNanos()).isPresent()) {
        throw failure;
      }
      pause(pause);
    }
  }

  /** True once a job has succeeded, failed or been cancelled. */
  public static boolean hasEnded(Job job) {
    return switch (job.getState()) {
      case JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED -> true;
      case JOB_STATE_UNSPECIFIED, JOB_STATE_QUEUED, JOB_STATE_RUNNING, UNRECOGNIZED -> false;
    };
  }

  public Job job(String jobId) {
    return ask(unlearning, true, stub -> stub.getJob(GetJobRequest.newBuilder().setJobId(jobId).build()));
  }

  /** All jobs that the server knows, newest first. */
  public List<Job> jobs() {
    List<Job> jobs = new ArrayList<>();
    String page = "";
    do {
      ListJobsRequest request = ListJobsRequest.newBuilder().setPageToken(page).build();
      ListJobsResponse answer = ask(unlearning, true, stub -> stub.listJobs(request));
      jobs.addAll(answer.getJobsList());
      page = answer.getNextPageToken();
    } while (!page.isEmpty());
    return jobs;
  }

  /** Ends a queued or running job. */
  public Job cancel(String jobId) {
    return ask(unlearning, false, stub -> stub.cancelJob(CancelJobRequest.newBuilder().setJobId(jobId).build()));
  }

  /** Promotes the candidate of a job that awaits approval. */
  public Job approve(String jobId, String reason) {
    return ask(unlearning, false, stub -> stub.approveJob(
        ApproveJobRequest.newBuilder().setJobId(jobId).setReason(reason).build()));
  }

  /** Leaves the candidate of a job that awaits approval a candidate. */
  public Job reject(String jobId, String reason) {
    return ask(unlearning, false, stub -> stub.rejectJob(
        RejectJobRequest.newBuilder().setJobId(jobId).setReason(reason).build()));
  }

  /** Queues a job that failed or was cancelled once more. */
  public Job retry(String jobId) {
    return ask(unlearning, false, stub -> stub.retryJob(RetryJobRequest.newBuilder().setJobId(jobId).build()));
  }

  /** Deletes what the server knows of a job that has ended. */
  public void delete(String jobId) {
    ask(unlearning, false, stub -> stub.deleteJob(DeleteJobRequest.newBuilder().setJobId(jobId).build()));
  }

  /** What an ended job measured, and its pictures. */
  public GetReportResponse report(String jobId) {
    return ask(unlearning, true, stub -> stub.getReport(GetReportRequest.newBuilder().setJobId(jobId).build()));
  }

  /** The names of the models that the server knows. */
  public List<String> models() {
    return ask(models, true, stub -> stub.listModels(ListModelsRequest.getDefaultInstance())).getModelsList();
  }

  public List<ModelVersion> versions(String model) {
    return ask(models, true, stub -> stub.listVersions(ListVersionsRequest.newBuilder().setModel(model).build()))
        .getVersionsList();
  }

  /** The version that takes new requests. */
  public String activeVersion(String model) {
    return ask(models, true, stub -> stub.getActiveVersion(
        GetActiveVersionRequest.newBuilder().setModel(model).build())).getVersion();
  }

  /**
   * The model card.
   *
   * @param version empty for the active one
   * @return {@code model.json}, verbatim
   */
  public String card(String model, String version) {
    return ask(models, true, stub -> stub.getCard(
        GetCardRequest.newBuilder().setModel(model).setVersion(version).build())).getCardJson();
  }

  /** Hot-swaps a model to a version that lies on the server's disk. */
  public ActivateResponse activate(String model, String version) {
    return activate(model, version, "");
  }

  /**
   * The same.
   *
   * @param overrideReason why a retired version is to be served all the same, which is recorded; empty: it is refused
   */
  public ActivateResponse activate(String model, String version, String overrideReason) {
    return ask(models, false, stub -> stub.activate(ActivateRequest.newBuilder().setModel(model).setVersion(version)
        .setOverrideReason(overrideReason).build()));
  }

  /**
   * Refuses a version to all clients from now on.
   *
   * @param reason recorded; not empty
   */
  public ModelVersion retire(String model, String version, String reason) {
    return ask(models, false, stub -> stub.retire(RetireRequest.newBuilder().setModel(model).setVersion(version)
        .setReason(reason).build())).getVersion();
  }

  /** Deletes the files of a retired version. */
  public PurgeResponse purge(String model, String version) {
    return ask(models, false, stub -> stub.purge(
        PurgeRequest.newBuilder().setModel(model).setVersion(version).build()));
  }

  /** What proves the erasure that a job has made. */
  public GetErasureCertificateResponse certificate(String jobId) {
    return ask(models, true, stub -> stub.getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setJobId(jobId).build()));
  }

  /**
   * What proves the erasure that a version came from.
   *
   * @param version empty for the active one
   */
  public GetErasureCertificateResponse certificate(String model, String version) {
    return ask(models, true, stub -> stub.getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setModel(model).setVersion(version).build()));
  }

  /** Ends calls in progress and closes the connection. */
  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * A call with one answer, as often as it takes.
   *
   * @param repeatable whether it may be made again when nobody knows if the server has seen it
   */
  private <S extends AbstractStub<S>, T> T ask(S stub, boolean repeatable, Function<S, T> rpc) {
    Deadline end = timeout == null ? null : Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
    S limited = end == null ? stub : stub.withDeadline(end);
    for (int made = 1; ; made++) {
      try {
        return rpc.apply(limited);
      } catch (StatusRuntimeException | LetheException e) {
        LetheException failure = e instanceof LetheException ours ? ours : LetheException.of((StatusRuntimeException) e);
        Duration pause = retry.pause(failure, made, repeatable).orElseThrow(() -> failure);
        if (end != null && end.timeRemaining(TimeUnit.NANOSECONDS) <= pause.toNanos()) {
          throw failure;
        }
        pause(pause);
      }
    }
  }

  /** Waits before a call is made again. gRPC's own pause before it connects again would outlast ours. */
  private void pause(Duration pause) {
    Retry.sleep(pause);
    channel.resetConnectBackoff();
  }
}
