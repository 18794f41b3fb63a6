package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.lethe.inference.GRPCInferenceServiceGrpc;
import dev.lethe.inference.InferTensorContents;
import dev.lethe.inference.ModelConfigRequest;
import dev.lethe.inference.ModelInferRequest;
import dev.lethe.inference.ModelInferRequest.InferInputTensor;
import dev.lethe.inference.ModelMetadataRequest;
import dev.lethe.inference.ModelStreamInferResponse;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.events.EventLog;
import dev.lethe.server.events.Line;
import dev.lethe.models.files.Digests;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.models.files.FileTrees;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.GenerationServiceGrpc;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.GetErasureCertificateRequest;
import dev.lethe.v1.GetErasureCertificateResponse;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.InspectionServiceGrpc;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.JobState;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ModelServiceGrpc;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.ProjectEvent;
import dev.lethe.v1.ProjectRequest;
import dev.lethe.v1.PurgeRequest;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.RetryJobRequest;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.VersionState;
import dev.lethe.v1.WatchRequest;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What is left of a class after its erasure was promoted, for clients, for operators, and after accidents. */
@Timeout(300)
class ErasureIT {

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir
  Path root;

  private ServerFixture server;
  private Path principals;

  @BeforeEach
  void prepare() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    principals = Files.writeString(root.resolve("principals.yaml"), principal("artist", "generate")
        + principal("eraser", "unlearn") + principal("other", "unlearn") + principal("operator", "operate, generate"));
    start(Map.of());
  }

  private static String principal(String name, String roles) {
    return "- {name: " + name + ", roles: [" + roles + "], token-sha256: "
        + Digests.sha256((name + "-token").getBytes(StandardCharsets.UTF_8)) + "}\n";
  }

  private void start(Map<String, String> more) throws IOException {
    server = ServerFixture.start(root, Map.of("auth.principals", principals.toString(), "worker-command",
        TestErasures.workerDouble()), more);
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  private Channel as(String name) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + name + "-token");
    return ClientInterceptors.intercept(server.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private ModelServiceGrpc.ModelServiceBlockingStub models(String name) {
    return ModelServiceGrpc.newBlockingStub(as(name));
  }

  /** A class is erased by a job of "eraser". */
  private Job erase(String name) throws Exception {
    return erase(TestErasures.ofClass("tiny", name).build());
  }

  private Job erase(UnlearnSpec spec) throws Exception {
    Job end = TestErasures.run(as("eraser"), spec);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    return end;
  }

  private static void refused(Code code, String word, Executable call) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(String.valueOf(refusal.getStatus().getDescription()).contains(word), refusal.getMessage());
  }

  private String active() {
    return models("artist").getActiveVersion(GetActiveVersionRequest.newBuilder().setModel("tiny").build())
        .getVersion();
  }

  private ModelVersion version(String name) {
    return models("artist").listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build()).getVersionsList()
        .stream().filter(version -> version.getVersion().equals(name)).findFirst().orElseThrow();
  }

  private static ModelInferRequest infer(String version) {
    return ModelInferRequest.newBuilder().setModelName("tiny").setModelVersion(version)
        .addInputs(InferInputTensor.newBuilder().setName("seed").setDatatype("INT64").addShape(1)
            .setContents(InferTensorContents.newBuilder().addInt64Contents(1))).build();
  }

  private void nothingOfV1(String erasure) throws Exception {
    GenerationServiceGrpc.GenerationServiceBlockingStub generation =
        GenerationServiceGrpc.newBlockingStub(as("artist"));
    GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub inference =
        GRPCInferenceServiceGrpc.newBlockingStub(as("artist"));
    GenerateRequest v1 = GenerateRequest.newBuilder().setModel("tiny").setVersion("v1").build();
    List<Executable> calls = List.of(
        () -> generation.generate(v1),
        () -> generation.generateStream(v1).next(),
        () -> models("artist").getCard(GetCardRequest.newBuilder().setModel("tiny").setVersion("v1").build()),
        () -> inference.modelInfer(infer("v1")),
        () -> inference.modelMetadata(ModelMetadataRequest.newBuilder().setName("tiny").setVersion("v1").build()),
        () -> inference.modelConfig(ModelConfigRequest.newBuilder().setName("tiny").setVersion("v1").build()));
    for (Executable call : calls) {
      refused(Code.FAILED_PRECONDITION, erasure, call);
    }
    refused(Code.FAILED_PRECONDITION, "seven", () -> generation.generate(GenerateRequest.newBuilder()
        .setModel("tiny").setLabel("seven").build()));
    CompletableFuture<ModelStreamInferResponse> streamed = new CompletableFuture<>();
    StreamObserver<ModelInferRequest> stream = GRPCInferenceServiceGrpc.newStub(as("artist")).modelStreamInfer(
        new StreamObserver<>() {
          @Override
          public void onNext(ModelStreamInferResponse answer) {
            streamed.complete(answer);
          }

          @Override
          public void onError(Throwable failure) {
            streamed.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {}
        });
    stream.onNext(infer("v1"));
    stream.onCompleted();
    ModelStreamInferResponse answer = streamed.get(60, TimeUnit.SECONDS);
    assertTrue(answer.getErrorMessage().contains(erasure), answer.toString());
    assertEquals(0, answer.getInferResponse().getOutputsCount());
  }

  @Test
  void aVersionThatHoldsWhatWasErasedAnswersNobodyAndAnEmptiedStateDoesNotBringItBack() throws Exception {
    // It is in memory beside the active one, where no load would meet a refusal.
    assertEquals("v1", GenerationServiceGrpc.newBlockingStub(as("artist")).generate(GenerateRequest.newBuilder()
        .setModel("tiny").setLabel("seven").build()).getVersion());
    Job job = erase("seven");
    assertTrue(job.getPromoted(), job.getMessage());
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
    ModelVersion v1 = version("v1");
    assertEquals(VersionState.VERSION_STATE_RETIRED, v1.getState());
    assertEquals(List.of("seven"), v1.getHolds(0).getClassesList());
    assertEquals(job.getId(), version("v1-u1").getLacks(0).getId());
    assertEquals(0, version("v1-u1").getHoldsCount());

    stop();
    start(Map.of());
    nothingOfV1(job.getId());

    stop();
    FileTrees.delete(root.resolve("state"));
    String told = assertThrows(IOException.class, () -> start(Map.of())).getMessage();
    assertTrue(told.contains("tiny") && told.contains("class seven") && told.contains(job.getId())
        && told.contains("--confirm-lost-erasures " + job.getId()), told);
    // What is confirmed of another erasure changes nothing.
    assertThrows(IOException.class, () -> start(Map.of("confirm-lost-erasures", "20260101-000000-other")));
    start(Map.of("confirm-lost-erasures", job.getId()));
    assertEquals("v1", active());
    assertTrue(log().stream().anyMatch(line -> line.contains("\"waived\"") && line.contains(job.getId())));

    // The name of what is lost is not given again: what is known of the one would count for the other.
    Job second = erase("seven");
    assertEquals("v1-u2", second.getNewVersion());
    nothingOfV1(second.getId());
    assertEquals("v1-u2", certificate(second).getVersion());
    stop();
    FileTrees.delete(root.resolve("state"));
    assertThrows(IOException.class, () -> start(Map.of()));
  }

  @Test
  void whatIsNotLostIsNotGivenUp() throws Exception {
    Job job = erase("seven");
    stop();
    start(Map.of("confirm-lost-erasures", job.getId()));
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
  }

  @Test
  void aCandidateDoesNotServeSinceAllElseIsLost() throws Exception {
    Job job = erase("seven");
    stop();
    start(Map.of("approval", "operator"));
    Job waiting = erase("three");
    stop();
    FileTrees.delete(root.resolve("state/tiny/v1-u1"));
    String told = assertThrows(IOException.class, () -> start(Map.of("approval", "operator"))).getMessage();
    assertTrue(told.contains("--confirm-lost-erasures " + job.getId()), told);
    assertEquals("v1-u2", waiting.getNewVersion());
  }

  /** Nor where nothing was promoted yet, unless an operator says so. */
  @Test
  void aCandidateDoesNotServeSinceWhatItWasMadeFromIsGone() throws Exception {
    stop();
    start(Map.of("approval", "operator"));
    erase("seven");
    stop();
    FileTrees.delete(root.resolve("models/tiny"));
    String told = assertThrows(IOException.class, () -> start(Map.of("approval", "operator"))).getMessage();
    assertTrue(told.contains("delete the file"), told);
    Files.delete(root.resolve("state/tiny/active"));
    told = assertThrows(IOException.class, () -> start(Map.of("approval", "operator"))).getMessage();
    assertTrue(told.contains("never promoted"), told);
    Files.writeString(root.resolve("state/tiny/active"), "v1-u1\n");
    start(Map.of("approval", "operator"));
    assertEquals("v1-u1", active());
  }

  /** An order to serve a candidate that somebody has retired erases what the candidate was made to erase. */
  @Test
  void aRetiredCandidateThatServesAllTheSameIsCertified() throws Exception {
    stop();
    start(Map.of("approval", "operator"));
    Job job = erase("seven");
    models("operator").retire(RetireRequest.newBuilder().setModel("tiny").setVersion("v1-u1").setReason("a slip")
        .build());
    models("operator").activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1")
        .setOverrideReason("it was a slip").build());
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
    assertEquals("v1-u1", certificate(job).getVersion());
    assertTrue(jobs("operator").approveJob(ApproveJobRequest.newBuilder().setJobId(job.getId()).build()).getPromoted());
    stop();
    start(Map.of());
    assertEquals("v1-u1", active());
  }

  /** A stream keeps its version while it lasts, which is for the client to say; an erasure ends it all the same. */
  @Test
  void aStreamThatBeganBeforeAnErasureDoesNotGoOnDrawing() throws Exception {
    Iterator<GeneratedImage> stream = GenerationServiceGrpc.newBlockingStub(as("artist")).generateStream(
        GenerateRequest.newBuilder().setModel("tiny").setLabel("seven").setCount(100_000).build());
    stream.next();
    Job job = erase("seven");
    refused(Code.FAILED_PRECONDITION, job.getId(), () -> {
      while (stream.hasNext()) {
        stream.next();
        Thread.sleep(1);
      }
    });
    Iterator<GeneratedImage> next = GenerationServiceGrpc.newBlockingStub(as("artist")).generateStream(
        GenerateRequest.newBuilder().setModel("tiny").build());
    assertEquals("v1-u1", next.next().getVersion());
  }

  /** Neither by name, nor where it was the active version when the request came. */
  @Test
  void nothingIsLookedForInARetiredVersion() throws Exception {
    Job job = erase("seven");
    refused(Code.FAILED_PRECONDITION, job.getId(), () -> {
      List<ProjectEvent> events = new ArrayList<>();
      InspectionServiceGrpc.newBlockingStub(as("eraser")).project(ProjectRequest.newBuilder().setModel("tiny")
          .setVersion("v1").setImage(Submission.labelled(Submission.pixels(1), "one")).build())
          .forEachRemaining(events::add);
    });
  }

  @Test
  void picturesOfImagesAreForWhoSentThemAndForOperators() throws Exception {
    Job job = Submission.send(as("eraser"), Submission.of(UnlearnSpec.newBuilder().setKeepPictures(true).build()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(Submission.pixels(1), "one"))).join();
    UnlearningServiceGrpc.newBlockingStub(as("eraser")).watch(WatchRequest.newBuilder().setJobId(job.getId()).build())
        .forEachRemaining(event -> { });
    GetReportRequest request = GetReportRequest.newBuilder().setJobId(job.getId()).build();
    for (String name : List.of("eraser", "operator", "other")) {
      GetReportResponse report = UnlearningServiceGrpc.newBlockingStub(as(name)).getReport(request);
      assertTrue(report.hasReport());
      assertEquals(name.equals("other"), report.getBeforeAfterPng().isEmpty(), name);
    }
  }

  @Test
  void whereTheDatabaseIsLostTheCertificatesStillTell() throws Exception {
    Job job = erase("seven");
    stop();
    Files.delete(root.resolve("jobs/lethe.db"));
    Files.delete(root.resolve("state/tiny/active"));
    start(Map.of());
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
  }

  @Test
  void whereTheKeyIsLostAsWellTheServerDoesNotStartBeforeThatIsConfirmed() throws Exception {
    erase("seven");
    stop();
    FileTrees.delete(root.resolve("jobs"));
    Files.delete(root.resolve("state/tiny/active"));
    String told = assertThrows(IOException.class, () -> start(Map.of())).getMessage();
    assertTrue(told.contains("signed by another key") && told.contains("signing.pem")
        && told.contains("--confirm-lost-erasures tiny/v1-u1"), told);
    assertThrows(IOException.class, () -> start(Map.of("confirm-lost-erasures", "tiny/v1-u2")));
    start(Map.of("confirm-lost-erasures", "tiny/v1-u1"));
    assertEquals("v1", active());
    assertTrue(log().stream().anyMatch(line -> line.contains("\"waived\"") && line.contains("tiny/v1-u1")));
    stop();
    start(Map.of());
    assertEquals("v1", active());
  }

  @Test
  void aCrashBetweenTheRecordAndTheChoiceGoesForward() throws Exception {
    Job job = erase("seven");
    stop();
    Files.writeString(root.resolve("state/tiny/active"), "v1\n");
    start(Map.of());
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
    assertEquals("v1-u1", Files.readString(root.resolve("state/tiny/active")).strip());
  }

  @Test
  void rollingBackTakesAReasonWhichIsRecordedAndLastsUntilTheNextChoice() throws Exception {
    Job job = erase("seven");
    ActivateRequest.Builder back = ActivateRequest.newBuilder().setModel("tiny").setVersion("v1");
    refused(Code.FAILED_PRECONDITION, job.getId(), () -> models("operator").activate(back.build()));
    refused(Code.INVALID_ARGUMENT, "1000", () -> models("operator")
        .activate(back.clone().setOverrideReason("x".repeat(1001)).build()));
    refused(Code.FAILED_PRECONDITION, job.getId(), () -> models("operator")
        .activate(back.clone().setOverrideReason(" \t ").build()));
    models("operator").activate(back.setOverrideReason("the new one draws nothing at all").build());
    assertEquals("v1", active());
    models("artist").getCard(GetCardRequest.newBuilder().setModel("tiny").setVersion("v1").build());
    stop();
    start(Map.of());
    assertEquals("v1", active(), "an override outlives a restart");

    // What is unlearned from it holds the class again, and does not serve by itself.
    Job second = erase("eight");
    assertFalse(second.getPromoted());
    models("operator").activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    refused(Code.FAILED_PRECONDITION, job.getId(), () -> models("artist")
        .getCard(GetCardRequest.newBuilder().setModel("tiny").setVersion("v1").build()));
    assertTrue(log().stream().anyMatch(line -> line.contains("\"overridden\"") && line.contains("\"operator\"")
        && line.contains("draws nothing at all")));
    stop();
    start(Map.of("rollback-to-retired", "never"));
    refused(Code.FAILED_PRECONDITION, "rollback-to-retired", () -> models("operator").activate(back.build()));
  }

  @Test
  void aRuleAgainstRollbacksEndsThoseOfBefore() throws Exception {
    Job job = erase("seven");
    models("operator").activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1")
        .setOverrideReason("the new one draws nothing at all").build());
    stop();
    start(Map.of("rollback-to-retired", "never"));
    assertEquals("v1-u1", active());
    nothingOfV1(job.getId());
  }

  @Test
  void aCandidateIsOneUntilAnOperatorPromotesIt() throws Exception {
    Job job = erase(TestErasures.ofClass("tiny", "seven").setKeepAsCandidate(true).build());
    assertEquals(VersionState.VERSION_STATE_CANDIDATE, version("v1-u1").getState());
    assertEquals(VersionState.VERSION_STATE_ACTIVE, version("v1").getState());
    refused(Code.NOT_FOUND, "no erasure of it was promoted", () -> models("operator")
        .getErasureCertificate(GetErasureCertificateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build()));
    stop();
    start(Map.of());
    assertEquals("v1", active(), "a restart promotes nothing");
    models("operator").activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    nothingOfV1(job.getId());
    assertTrue(new String(certificate(job).getPageHtml().toByteArray(), StandardCharsets.UTF_8).contains("operator"));
  }

  private GetErasureCertificateResponse certificate(Job job) {
    return models("eraser").getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setJobId(job.getId()).build());
  }

  @Test
  void aPromotedVersionIsSignedAndItsErasureCertified() throws Exception {
    Job job = erase("seven");
    GetErasureCertificateResponse proof = certificate(job);
    VerificationKey key = VerificationKey.read(root.resolve("jobs/signing.pem.pub"));
    assertEquals(key.pem(), proof.getPublicKey());
    SignedStatement certificate = SignedStatement.verify(proof.getCertificate().toByteArray(), key, "it");
    assertEquals(job.getId(), certificate.statement().predicate().path("erasure").path("id").asText());
    assertEquals("eraser", certificate.statement().predicate().path("erasure").path("requestedBy").asText());
    assertEquals("PASSED", certificate.statement().predicate().path("audit").path("result").asText());
    Path folder = root.resolve("state/tiny/v1-u1");
    ModelSignature.check(SignedStatement.verify(proof.getModelSignature().toByteArray(), key, "it").statement(),
        folder);
    assertEquals(proof.getReport(), ByteString.copyFrom(Files.readAllBytes(folder.resolve(ErasureCertificate.REPORT))));
    assertTrue(certificate.statement().predicate().path("parent").path("resources").toString()
        .contains(Digests.sha256(root.resolve("models/tiny/v1").resolve(Bundle.CARD))));
    assertTrue(version("v1-u1").getIsSigned());
    refused(Code.PERMISSION_DENIED, "unlearn", () -> models("artist").getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setJobId(job.getId()).build()));
    refused(Code.NOT_FOUND, "job_id", () -> models("eraser").getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setJobId("no-such-job").build()));
    refused(Code.NOT_FOUND, "version", () -> models("eraser").getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setModel("tiny").setVersion("../v1-u1").build()));
  }

  @Test
  void whatIsRetiredIsPurgedByOrderAndAfterTheGracePeriod() throws Exception {
    Job first = erase("seven");
    erase("eight");
    assertEquals("v1-u2", active());
    refused(Code.FAILED_PRECONDITION, "not retired", () -> models("operator")
        .purge(PurgeRequest.newBuilder().setModel("tiny").setVersion("v1-u2").build()));
    refused(Code.FAILED_PRECONDITION, "delete that folder yourself", () -> models("operator")
        .purge(PurgeRequest.newBuilder().setModel("tiny").setVersion("v1").build()));
    assertTrue(version("v1-u1").hasPurgeDue());
    assertTrue(models("operator").purge(PurgeRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build())
        .getDeletedFilesList().containsAll(List.of(Bundle.CARD, Bundle.SYNTHESIS)));
    Path folder = root.resolve("state/tiny/v1-u1");
    assertFalse(Files.exists(folder.resolve(Bundle.SYNTHESIS)));
    assertEquals(VersionState.VERSION_STATE_PURGED, version("v1-u1").getState());
    refused(Code.FAILED_PRECONDITION, "purged", () -> models("artist")
        .getCard(GetCardRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build()));
    // Its proof outlives it, and no other version gets its name.
    assertEquals("v1-u1", certificate(first).getVersion());
    assertEquals("v1-u3", erase("nine").getNewVersion());
    refused(Code.FAILED_PRECONDITION, "active", () -> models("operator").retire(RetireRequest.newBuilder()
        .setModel("tiny").setVersion("v1-u3").setReason("no").build()));
    refused(Code.INVALID_ARGUMENT, "reason", () -> models("operator").retire(RetireRequest.newBuilder()
        .setModel("tiny").setVersion("v1-u2").build()));
  }

  private List<String> log() throws IOException {
    List<String> lines = new ArrayList<>();
    try (Database database = Database.open(DatabaseUrl.sqlite(root.resolve("jobs/lethe.db")))) {
      new EventLog(database).forEach((Line line) -> lines.add(line.text()));
    }
    return lines;
  }

  @Test
  void everyOrderLeavesALastingLineRefusedOnesToo() throws Exception {
    Job job = erase("seven");
    refused(Code.PERMISSION_DENIED, "operate", () -> models("artist").activate(ActivateRequest.newBuilder()
        .setModel("tiny").setVersion("v1").setOverrideReason("I want it").build()));
    refused(Code.UNAUTHENTICATED, "", () -> server.models().purge(PurgeRequest.newBuilder().setModel("tiny")
        .setVersion("v1").build()));
    refused(Code.FAILED_PRECONDITION, "promoted", () -> jobs("operator").approveJob(
        ApproveJobRequest.newBuilder().setJobId(job.getId()).build()));
    refused(Code.PERMISSION_DENIED, "operate", () -> jobs("eraser").deleteJob(
        DeleteJobRequest.newBuilder().setJobId(job.getId()).build()));
    jobs("operator").deleteJob(DeleteJobRequest.newBuilder().setJobId(job.getId()).build());
    stop();
    List<String> lines = log();
    assertTrue(lines.get(0).contains("\"started\""), lines.get(0));
    for (String outcome : List.of("ApproveJob\",\"principal\":\"operator\",\"outcome\":\"FAILED_PRECONDITION",
        "DeleteJob\",\"principal\":\"operator\",\"outcome\":\"OK")) {
      has(lines, outcome, "\"kind\":\"class\"", "\"classes\":\"seven\"", "\"version\":\"v1-u1\"", "\"images\":\"0\"",
          job.getId());
    }
    has(lines, "DeleteJob", "\"eraser\"", "PERMISSION_DENIED", job.getId());
    has(lines, "\"call\"", "Submit", "\"eraser\"", "\"OK\"", "\"kind\":\"class\"", "\"classes\":\"seven\"",
        job.getId());
    has(lines, "\"job\"", "\"eraser\"", "succeeded", "\"v1-u1\"", "\"promoted\":true", job.getId());
    has(lines, "\"promoted\"", "\"gates\"", "\"base\":\"v1\"", job.getId());
    has(lines, "Activate", "\"artist\"", "PERMISSION_DENIED", "\"version\":\"v1\"", "I want it");
    has(lines, "Purge", "UNAUTHENTICATED", "\"version\":\"v1\"");
  }

  @Test
  void theLineOfARequestThatMakesNoJobNamesNone() throws Exception {
    UnlearnSpec keyed = TestErasures.ofClass("tiny", "seven").setRequestKey("k").setKeepAsCandidate(true).build();
    Job job = erase(keyed);
    assertEquals(job.getId(), erase(keyed).getId());
    assertThrows(ExecutionException.class, () -> erase(keyed.toBuilder().setClasses(0, "eight").build()));
    stop();
    List<String> submitted = log().stream().filter(line -> line.contains("UnlearningService/Submit")).toList();
    assertEquals(3, submitted.size(), submitted::toString);
    String named = "\"job_id\":\"" + job.getId() + "\"";
    assertTrue(submitted.get(0).contains(named) && submitted.get(1).contains(named), submitted::toString);
    assertTrue(submitted.get(2).contains("ALREADY_EXISTS") && submitted.get(2).contains("that of job " + job.getId())
        && !submitted.get(2).contains("\"job_id\""), submitted.get(2));
  }

  @Test
  void aJobIsCancelledAndRetriedByWhoSubmittedItAndByOperatorsAlone() throws Exception {
    Job job = Submission.send(as("eraser"), Submission.of(UnlearnSpec.newBuilder().setKeepPictures(true)
        .setSeed(WorkerDouble.WAITS).build()), Submission.images(ImageRole.IMAGE_ROLE_UNLEARN,
            Submission.labelled(Submission.pixels(1), "one"))).join();
    CancelJobRequest cancel = CancelJobRequest.newBuilder().setJobId(job.getId()).build();
    RetryJobRequest retry = RetryJobRequest.newBuilder().setJobId(job.getId()).build();
    refused(Code.PERMISSION_DENIED, "was submitted by eraser", () -> jobs("other").cancelJob(cancel));
    assertEquals(JobState.JOB_STATE_CANCELLED, jobs("eraser").cancelJob(cancel).getState());
    refused(Code.PERMISSION_DENIED, "was submitted by eraser", () -> jobs("other").retryJob(retry));
    jobs("eraser").retryJob(retry);
    assertEquals(JobState.JOB_STATE_CANCELLED, jobs("operator").cancelJob(cancel).getState());
  }

  @Test
  void whatAClientCallsItsRequestAndItsImagesIsNoBusinessOfOthers() throws Exception {
    Job job = Submission.send(as("eraser"), Submission.of(UnlearnSpec.newBuilder().setKeepPictures(true)
        .setRequestKey("case of jane").setSeed(WorkerDouble.REPORTS_FAILURE_OF_AN_IMAGE).build()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(Submission.pixels(1), "one").toBuilder()
            .setName("jane doe.png").build())).join();
    Iterator<JobEvent> watched = jobs("other").watch(WatchRequest.newBuilder().setJobId(job.getId()).build());
    String last = "";
    while (watched.hasNext()) {
      last = watched.next().toString();
      assertFalse(last.contains("jane"), last);
    }
    assertTrue(last.contains("unlearn images[0]: is too dark"), last);
    GetJobRequest get = GetJobRequest.newBuilder().setJobId(job.getId()).build();
    for (String name : List.of("eraser", "operator", "other")) {
      for (Job shown : List.of(jobs(name).getJob(get), jobs(name).listJobs(ListJobsRequest.getDefaultInstance())
          .getJobs(0))) {
        boolean concerned = !name.equals("other");
        assertEquals(concerned, shown.getMessage().contains("jane doe.png: is too dark"), shown.getMessage());
        assertEquals(concerned ? "case of jane" : "", shown.getSpec().getRequestKey());
        assertEquals(concerned, shown.toString().contains("jane"), name);
      }
    }
  }

  @Test
  void theCertificateOfAJobIsForWhoSubmittedItAndShowsNoNames() throws Exception {
    Job job = Submission.send(as("eraser"),
        Submission.of(UnlearnSpec.newBuilder().setRequestKey("case of jane").build()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(Submission.pixels(1), "one").toBuilder()
            .setName("jane doe.png").build())).join();
    jobs("eraser").watch(WatchRequest.newBuilder().setJobId(job.getId()).build()).forEachRemaining(event -> { });
    GetErasureCertificateRequest ofJob = GetErasureCertificateRequest.newBuilder().setJobId(job.getId()).build();
    refused(Code.PERMISSION_DENIED, "was submitted by eraser; that client or one with the role operate can",
        () -> models("other").getErasureCertificate(ofJob));
    models("operator").getErasureCertificate(ofJob);
    assertFalse(new String(certificate(job).getReport().toByteArray(), StandardCharsets.UTF_8).contains("jane"));
    GetErasureCertificateResponse ofVersion = models("other").getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    assertEquals(certificate(job).getCertificate(), ofVersion.getCertificate());
    SignedStatement statement = SignedStatement.verify(ofVersion.getCertificate().toByteArray(),
        VerificationKey.read(root.resolve("jobs/signing.pem.pub")), "it");
    assertFalse(statement.statement().predicate().toString().contains("jane"));
  }

  private UnlearningServiceGrpc.UnlearningServiceBlockingStub jobs(String name) {
    return UnlearningServiceGrpc.newBlockingStub(as(name));
  }

  private static void has(List<String> lines, String... parts) {
    assertTrue(lines.stream().anyMatch(line -> List.of(parts).stream().allMatch(line::contains)),
        String.join(" ", parts) + " in " + lines);
  }

  @Test
  void anEmptyStateIsRefusedWhereAnOperatorSaysSo() throws Exception {
    stop();
    FileTrees.delete(root.resolve("state"));
    FileTrees.delete(root.resolve("jobs"));
    String told = assertThrows(IOException.class, () -> start(Map.of("empty-state", "refuse"))).getMessage();
    assertTrue(told.contains("--empty-state accept"), told);
    start(Map.of("empty-state", "accept"));
    stop();
    start(Map.of("empty-state", "refuse"));
    assertEquals("v1", active());
  }
}
