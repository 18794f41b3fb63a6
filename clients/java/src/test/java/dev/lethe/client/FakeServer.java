package dev.lethe.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.lethe.client.image.Pictures;
import dev.lethe.v1.Vector;
import dev.lethe.v1.Projection;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.ProjectEvent;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.InspectionServiceGrpc;
import dev.lethe.v1.Inspection;
import dev.lethe.v1.InspectedImage;
import dev.lethe.v1.InspectEvent;
import dev.lethe.v1.DeleteJobResponse;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.RetryJobRequest;
import dev.lethe.v1.RejectJobRequest;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.BeforeAfter;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.Collateral;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GenerateResponse;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetActiveVersionResponse;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.GetCardResponse;
import dev.lethe.v1.GetErasureCertificateRequest;
import dev.lethe.v1.GetErasureCertificateResponse;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.JobState;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListJobsResponse;
import dev.lethe.v1.ListModelsRequest;
import dev.lethe.v1.ListModelsResponse;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ListVersionsResponse;
import dev.lethe.v1.Membership;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.Progress;
import dev.lethe.v1.PurgeRequest;
import dev.lethe.v1.PurgeResponse;
import dev.lethe.v1.Redaction;
import dev.lethe.v1.ReinversionMse;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.RetireResponse;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.UnlearnReport;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.VersionState;
import dev.lethe.v1.WatchRequest;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * A server of the protocol for tests of clients: one model "mnist" without a network behind it. Its images are grey
 * squares, and its only job ends as the test says.
 */
public final class FakeServer implements AutoCloseable {

  private static final String MODEL = "mnist";
  private static final int SIDE = 32;
  /** Layers of its card, of w of two values. */
  private static final int NUM_WS = 8;

  /** What the client uploaded last. */
  public final List<SubmitRequest> uploaded = new CopyOnWriteArrayList<>();
  public final List<GenerateRequest> generated = new CopyOnWriteArrayList<>();
  /** Counted down when a client gives up a stream of images. */
  public final CountDownLatch streamCancelled = new CountDownLatch(1);

  /** What the last call said of its client; null for nothing. */
  public volatile String authorization;

  private final Server server;
  private volatile String active = "v1";
  private volatile Job outcome;
  private volatile int brokenAfter = Integer.MAX_VALUE;
  private volatile int uploadLimit = Integer.MAX_VALUE;
  private volatile boolean watchBreaks;
  private volatile boolean classes = true;
  private volatile long jobMillis;

  public FakeServer() throws IOException {
    this(InsecureServerCredentials.create());
  }

  public FakeServer(ServerCredentials credentials) throws IOException {
    outcome = Job.newBuilder()
        .setId("job-1").setState(JobState.JOB_STATE_SUCCEEDED).setBaseVersion("v1").setNewVersion("v2")
        .setPromoted(true).setReport(report()).build();
    server = Grpc.newServerBuilderForPort(0, credentials)
        .intercept(new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(ServerCall<Q, R> call, Metadata headers,
              ServerCallHandler<Q, R> next) {
            authorization = headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
            return next.startCall(call, headers);
          }
        })
        .addService(new Generation()).addService(new Unlearning()).addService(new Models())
        .addService(new Inspections())
        .build().start();
  }

  public int port() {
    return server.getPort();
  }

  public String address() {
    return "localhost:" + port();
  }

  public LetheClient client() {
    // Whose failures are to be seen.
    return LetheClient.builder().host("localhost").port(port()).retry(Retry.NONE).build();
  }

  /** How the next job ends. */
  public FakeServer jobEndsAs(Job job) {
    outcome = job.toBuilder().setId("job-1").build();
    return this;
  }

  public Job outcome() {
    return outcome;
  }

  public FakeServer jobTakes(long millis) {
    jobMillis = millis;
    return this;
  }

  /** From then on images are no images. */
  public FakeServer breaksAfter(int requests) {
    brokenAfter = requests;
    return this;
  }

  /** Refuses uploads of more messages. */
  public FakeServer refusesAfter(int messages) {
    uploadLimit = messages;
    return this;
  }

  /** Watching ends without an end of the job. */
  /** Its model is one without classes. */
  public FakeServer withoutClasses() {
    classes = false;
    return this;
  }

  public FakeServer watchBreaks() {
    watchBreaks = true;
    return this;
  }

  public void activate(String version) {
    active = version;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  public static UnlearnReport report() {
    return UnlearnReport.newBuilder()
        .setJobId("job-1").setKind("item").setMode("few-shot").setSubstitute("average").setFakeLabel(-1).setImages(64)
        .setSeconds(40).setRetrainSeconds(3600).setSpeedup(90)
        .setAucLu(BeforeAfter.newBuilder().setBefore(0.5).setAfter(0.97))
        .setFidL(BeforeAfter.newBuilder().setBefore(3).setAfter(3.1))
        .setFidU(BeforeAfter.newBuilder().setBefore(9).setAfter(12))
        .setAcc(BeforeAfter.newBuilder().setBefore(0.98).setAfter(0.97))
        .setReinversionMse(
            ReinversionMse.newBuilder().setUnlearnedBefore(0.01).setUnlearnedAfter(0.02).setNeverSeen(0.02))
        .setBaseVersion("v1").setNewVersion("v2")
        .setVerdict("forgotten").addFindings("the images are drawn no more").setRecipe("lethe").setAuditSeconds(12)
        .setRedaction(Redaction.newBuilder()
            .setOwn(BeforeAfter.newBuilder().setBefore(0.03).setAfter(0.98))
            .setFresh(BeforeAfter.newBuilder().setBefore(0.05).setAfter(0.94))
            .setCandidate(BeforeAfter.newBuilder().setBefore(0.05).setAfter(0.61)))
        .setCollateral(Collateral.newBuilder().setMembers(0.17))
        .setMembership(Membership.newBuilder().setW(BeforeAfter.newBuilder().setBefore(0.58).setAfter(0.52)))
        .setFidRoot(BeforeAfter.newBuilder().setBefore(7).setAfter(7.4))
        .build();
  }

  private final class Generation extends GenerationServiceGrpc.GenerationServiceImplBase {

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateResponse> answer) {
      if (refused(request, answer)) {
        return;
      }
      String version = request.getVersion().isEmpty() ? active : request.getVersion();
      GenerateResponse.Builder response = GenerateResponse.newBuilder().setModel(MODEL).setVersion(version);
      for (int i = 0; i < count(request); i++) {
        response.addImages(image(request, i, version));
      }
      answer.onNext(response.build());
      answer.onCompleted();
    }

    @Override
    public void generateStream(GenerateRequest request, StreamObserver<GeneratedImage> answer) {
      if (refused(request, answer)) {
        return;
      }
      ServerCallStreamObserver<GeneratedImage> call = (ServerCallStreamObserver<GeneratedImage>) answer;
      call.setOnCancelHandler(streamCancelled::countDown);
      for (int i = 0; i < count(request); i++) {
        call.onNext(image(request, i, active));
      }
      if (request.getCount() < 1000) {
        call.onCompleted();
      }
    }

    private boolean refused(GenerateRequest request, StreamObserver<?> answer) {
      generated.add(request);
      if (request.getLabel().equals("cat")) {
        answer.onError(Status.INVALID_ARGUMENT.withDescription("label: there is no class \"cat\"").asException());
        return true;
      }
      return false;
    }

    private int count(GenerateRequest request) {
      return Math.max(1, Math.max(request.getCount(), Math.max(request.getW().getValuesCount(),
          Math.max(request.getZ().getValuesCount(), request.getSeeds().getValuesCount()))));
    }

    private GeneratedImage image(GenerateRequest request, int index, String version) {
      boolean broken = generated.size() > brokenAfter;
      GeneratedImage.Builder image = GeneratedImage.newBuilder();
      if (request.getIncludeW()) {
        for (int layer = 0; layer < NUM_WS; layer++) {
          image.getWBuilder().addValues(index).addValues(10 * index + 0.5f);
        }
      }
      return image
          .setIndex(index)
          .setSeed(index < request.getSeeds().getValuesCount() ? request.getSeeds().getValues(index) : index)
          .setLabel(request.getLabel().isEmpty() ? "0" : request.getLabel())
          .setVersion(version)
          .setImage(Image.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_PNG)
              .setData(broken ? ByteString.copyFromUtf8("no image") : square(index)))
          .build();
    }

    private static ByteString square(int index) {
      BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_BYTE_GRAY);
      picture.getRaster().setSample(SIDE / 2, SIDE / 2, 0, 100 + index % 100);
      return ByteString.copyFrom(Pictures.png(picture));
    }
  }

  private final class Unlearning extends UnlearningServiceGrpc.UnlearningServiceImplBase {

    @Override
    public StreamObserver<SubmitRequest> submit(StreamObserver<Job> answer) {
      uploaded.clear();
      return new StreamObserver<>() {
        @Override
        public void onNext(SubmitRequest message) {
          uploaded.add(message);
          if (uploaded.size() == uploadLimit + 1) {
            answer.onError(Status.INVALID_ARGUMENT.withDescription("images: more than the limit").asException());
          }
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {
          int unlearn = 0;
          int learn = 0;
          for (SubmitRequest message : uploaded) {
            boolean keep = message.getImages().getRole() == ImageRole.IMAGE_ROLE_LEARN;
            unlearn += keep ? 0 : message.getImages().getImagesCount();
            learn += keep ? message.getImages().getImagesCount() : 0;
          }
          outcome = outcome.toBuilder().setSpec(uploaded.get(0).getSpec())
              .setUnlearnImages(unlearn).setLearnImages(learn).build();
          answer.onNext(running(0));
          answer.onCompleted();
        }
      };
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<JobEvent> answer) {
      if (!known(request.getJobId(), answer)) {
        return;
      }
      try {
        for (int step = 0; step < 4; step++) {
          answer.onNext(JobEvent.newBuilder().setJob(running(step)).build());
          Thread.sleep(jobMillis / 4);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (!watchBreaks) {
        if (outcome.getPromoted()) {
          active = outcome.getNewVersion();
        }
        answer.onNext(JobEvent.newBuilder().setJob(outcome).build());
      }
      answer.onCompleted();
    }

    private Job running(int step) {
      return outcome.toBuilder().setState(JobState.JOB_STATE_RUNNING).clearReport().clearNewVersion().clearPromoted()
          .setProgress(Progress.newBuilder().setStage(step < 2 ? "inversion" : "unlearning").setStep(step).setSteps(4)
              .setFraction(step / 4.0).setSecondsLeft(65).putValues("loss_d", 0.25))
          .build();
    }

    private boolean known(String id, StreamObserver<?> answer) {
      if (!id.equals("job-1")) {
        answer.onError(Status.NOT_FOUND.withDescription("there is no job \"" + id + "\"").asException());
        return false;
      }
      return true;
    }

    @Override
    public void getJob(GetJobRequest request, StreamObserver<Job> answer) {
      if (known(request.getJobId(), answer)) {
        answer.onNext(outcome);
        answer.onCompleted();
      }
    }

    @Override
    public void listJobs(ListJobsRequest request, StreamObserver<ListJobsResponse> answer) {
      answer.onNext(ListJobsResponse.newBuilder().addJobs(outcome).build());
      answer.onCompleted();
    }

    @Override
    public void cancelJob(CancelJobRequest request, StreamObserver<Job> answer) {
      outcome = outcome.toBuilder().setState(JobState.JOB_STATE_CANCELLED).setPromoted(false).clearReport().build();
      getJob(GetJobRequest.newBuilder().setJobId(request.getJobId()).build(), answer);
    }

    @Override
    public void approveJob(ApproveJobRequest request, StreamObserver<Job> answer) {
      getJob(GetJobRequest.newBuilder().setJobId(request.getJobId()).build(), answer);
    }

    @Override
    public void rejectJob(RejectJobRequest request, StreamObserver<Job> answer) {
      getJob(GetJobRequest.newBuilder().setJobId(request.getJobId()).build(), answer);
    }

    @Override
    public void retryJob(RetryJobRequest request, StreamObserver<Job> answer) {
      getJob(GetJobRequest.newBuilder().setJobId(request.getJobId()).build(), answer);
    }

    @Override
    public void deleteJob(DeleteJobRequest request, StreamObserver<DeleteJobResponse> answer) {
      if (known(request.getJobId(), answer)) {
        answer.onNext(DeleteJobResponse.getDefaultInstance());
        answer.onCompleted();
      }
    }

    @Override
    public void getReport(GetReportRequest request, StreamObserver<GetReportResponse> answer) {
      answer.onNext(GetReportResponse.newBuilder().setReport(outcome.getReport())
          .setBeforeAfterPng(ByteString.copyFrom(
              Pictures.png(new BufferedImage(8, 3, BufferedImage.TYPE_BYTE_GRAY))))
          .build());
      answer.onCompleted();
    }
  }

  private static final class Inspections extends InspectionServiceGrpc.InspectionServiceImplBase {

    private static final Progress HALF = Progress.newBuilder().setStage("inversion").setFraction(0.5).build();

    @Override
    public StreamObserver<SubmitRequest> inspect(StreamObserver<InspectEvent> answer) {
      List<LabelledImage> images = new ArrayList<>();
      return new StreamObserver<>() {
        @Override
        public void onNext(SubmitRequest message) {
          images.addAll(message.getImages().getImagesList());
        }

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {
          answer.onNext(InspectEvent.newBuilder().setProgress(HALF).build());
          Inspection.Builder found = Inspection.newBuilder().setModel(MODEL).setVersion("v1").setJobSeconds(60);
          images.forEach(image -> found.addImages(InspectedImage.newBuilder().setName(image.getName()).setError(0.01)
              .setFinding("is drawn")));
          answer.onNext(InspectEvent.newBuilder().setInspection(found).build());
          answer.onCompleted();
        }
      };
    }

    @Override
    public void project(ProjectRequest request, StreamObserver<ProjectEvent> answer) {
      answer.onNext(ProjectEvent.newBuilder().setProgress(HALF).build());
      answer.onNext(ProjectEvent.newBuilder().setProjection(Projection.newBuilder().setModel(MODEL).setVersion("v1")
          .setError(0.02).setW(Vector.newBuilder().addValues(1)).setLatentsNpz(ByteString.copyFromUtf8("latents"))
          .setImagePng(ByteString.copyFromUtf8("picture")).setSideBySidePng(ByteString.copyFromUtf8("both"))).build());
      answer.onCompleted();
    }
  }

  private final class Models extends ModelServiceGrpc.ModelServiceImplBase {

    @Override
    public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> answer) {
      answer.onNext(ListModelsResponse.newBuilder().addModels(MODEL).build());
      answer.onCompleted();
    }

    @Override
    public void listVersions(ListVersionsRequest request, StreamObserver<ListVersionsResponse> answer) {
      List<ModelVersion> versions = new ArrayList<>();
      for (String version : List.of("v1", "v2")) {
        versions.add(ModelVersion.newBuilder().setModel(MODEL).setVersion(version)
            .setState(version.equals(active)
                ? VersionState.VERSION_STATE_ACTIVE : VersionState.VERSION_STATE_AVAILABLE)
            .build());
      }
      answer.onNext(ListVersionsResponse.newBuilder().addAllVersions(versions).build());
      answer.onCompleted();
    }

    @Override
    public void getCard(GetCardRequest request, StreamObserver<GetCardResponse> answer) {
      answer.onNext(GetCardResponse.newBuilder().setModel(MODEL).setVersion(active)
          .setCardJson("{\"name\": \"mnist\", \"network\": {\"w_dim\": 2}" + (classes ? "" : ", \"labels\": []")
              + "}\n").build());
      answer.onCompleted();
    }

    @Override
    public void getActiveVersion(GetActiveVersionRequest request, StreamObserver<GetActiveVersionResponse> answer) {
      answer.onNext(GetActiveVersionResponse.newBuilder().setModel(MODEL).setVersion(active).build());
      answer.onCompleted();
    }

    @Override
    public void activate(ActivateRequest request, StreamObserver<ActivateResponse> answer) {
      String previous = active;
      active = request.getVersion();
      answer.onNext(ActivateResponse.newBuilder().setModel(MODEL).setVersion(active).setPreviousVersion(previous)
          .build());
      answer.onCompleted();
    }

    @Override
    public void retire(RetireRequest request, StreamObserver<RetireResponse> answer) {
      if (request.getReason().isEmpty()) {
        answer.onError(Status.INVALID_ARGUMENT.withDescription("reason: say why").asRuntimeException());
        return;
      }
      answer.onNext(RetireResponse.newBuilder().setVersion(ModelVersion.newBuilder().setModel(MODEL)
          .setVersion(request.getVersion()).setState(VersionState.VERSION_STATE_RETIRED)
          .setPurgeDue(Timestamp.newBuilder().setSeconds(1_800_000_000))).build());
      answer.onCompleted();
    }

    @Override
    public void purge(PurgeRequest request, StreamObserver<PurgeResponse> answer) {
      answer.onNext(PurgeResponse.newBuilder().addDeletedFiles("model.json").addDeletedFiles("mapping.onnx").build());
      answer.onCompleted();
    }

    @Override
    public void getErasureCertificate(GetErasureCertificateRequest request,
        StreamObserver<GetErasureCertificateResponse> answer) {
      if (request.getJobId().equals("job-0")) {
        answer.onError(Status.FAILED_PRECONDITION.withDescription("job_id: no erasure of job job-0 was promoted")
            .asRuntimeException());
        return;
      }
      answer.onNext(GetErasureCertificateResponse.newBuilder().setModel(MODEL)
          .setVersion(request.getVersion().isEmpty() ? active : request.getVersion())
          .setCertificate(ByteString.copyFromUtf8("{}")).setReport(ByteString.copyFromUtf8("report of "
              + request.getJobId())).setModelSignature(ByteString.copyFromUtf8("signature")).setPublicKey("key")
          .setPageHtml(ByteString.copyFromUtf8("<p>")).setPagePdf(ByteString.copyFromUtf8("%PDF")).build());
      answer.onCompleted();
    }
  }
}
