package dev.lethe.server.unlearning;

import static dev.lethe.server.unlearning.Submission.images;
import static dev.lethe.server.unlearning.Submission.labelled;
import static dev.lethe.server.unlearning.Submission.observer;
import static dev.lethe.server.unlearning.Submission.of;
import static dev.lethe.server.unlearning.Submission.pixels;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.models.image.ImageDecoder;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.BadImages;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.DeleteJobRequest;
import dev.lethe.v1.Gates;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GetActiveVersionRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.GetReportResponse;
import dev.lethe.v1.Image;
import dev.lethe.v1.ImageFormat;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobEvent;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ListJobsRequest;
import dev.lethe.v1.ListJobsResponse;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.Recipe;
import dev.lethe.v1.RejectJobRequest;
import dev.lethe.v1.RetryJobRequest;
import dev.lethe.v1.SubmitRequest;
import dev.lethe.v1.SubstituteKind;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import dev.lethe.v1.WatchRequest;
import dev.lethe.v1.WorkerJob;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Jobs through a real server; the worker is a process that speaks the protocol and does not train. */
@Timeout(120)
class UnlearningIT {

  @TempDir
  Path root;

  private ServerFixture server;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7, "three");
    server = ServerFixture.start(root, Optional.of(worker()));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static WorkerCommand worker() {
    return new WorkerCommand(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), WorkerDouble.class.getName()));
  }

  @Test
  void jobRunsIsWatchedAndItsCandidateServes() throws Exception {
    byte[] pixels = pixels(1);
    Job submitted = submit(spec(WorkerDouble.CHATTERS).build(),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels, "seven"), labelled(pixels(2), "9")),
        images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(3), "zero")));
    assertEquals(JobState.JOB_STATE_QUEUED, submitted.getState());
    assertEquals(2, submitted.getUnlearnImages());
    assertEquals(1, submitted.getLearnImages());
    assertEquals(Recipe.RECIPE_LETHE, submitted.getSpec().getRecipe());
    assertEquals(SubstituteKind.SUBSTITUTE_KIND_NEAREST, submitted.getSpec().getSubstitute());
    assertTrue(submitted.getSpec().getAutoFakeLabel() && submitted.getSpec().getIterations() > 0);
    assertEquals("tiny", submitted.getSpec().getModel());

    List<Job> changes = watch(submitted.getId());
    assertTrue(changes.stream().anyMatch(job -> job.getProgress().getStage().equals("unlearning")
        && job.getProgress().getFraction() == 0.5 && job.getProgress().getValuesMap().get("loss_g") == 0.25));
    Job end = changes.get(changes.size() - 1);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertTrue(end.getPromoted());
    assertEquals("v1", end.getBaseVersion());
    assertEquals("v1-u1", end.getNewVersion());
    assertEquals(0.93, end.getReport().getAucLu().getAfter());
    assertEquals(1, end.getProgress().getFraction());
    assertEquals(end, server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(end.getId()).build()));
    assertEquals(List.of(end), watch(end.getId()));
    assertEquals(List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_UNLEARNING,
        JobPhase.JOB_PHASE_CANDIDATE, JobPhase.JOB_PHASE_PROMOTED),
        end.getChangesList().stream().map(JobChange::getPhase).toList());

    JsonNode certificate = SignedStatement.read(root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.FILE),
        VerificationKey.read(root.resolve("jobs/signing.pem.pub"))).statement().predicate();
    assertEquals(2, certificate.path("commitments").path("sha256").size(), certificate.toString());
    assertEquals("v1-u1", activeVersion());
    assertEquals("v1-u1", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
    ModelVersion version = server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersions(1);
    assertEquals("v1", version.getParentVersion());

    WorkerJob work = work(end);
    assertEquals(List.of(7, 9), work.getUnlearnLabelsList());
    assertEquals(List.of(0), work.getLearnLabelsList());

    GetReportResponse report = server.unlearning()
        .getReport(GetReportRequest.newBuilder().setJobId(end.getId()).build());
    assertEquals(end.getReport(), report.getReport());
    assertArrayEquals(pixels, ImageDecoder.decodeBytes(report.getBeforeAfterPng().toByteArray(), 1, 32));
    assertEquals(1, server.metric("lethe_unlearning_jobs{state=\"succeeded\",}"));
  }

  @Test
  void secondJobStartsFromWhatTheFirstHasLeft() {
    Job first = submitOne(spec(0).build());
    Job second = submitOne(spec(WorkerDouble.CHATTERS).build());
    assertEquals("v1", last(first).getBaseVersion());
    Job end = last(second);
    assertEquals("v1-u1", end.getBaseVersion());
    assertEquals("v1-u2", end.getNewVersion());
    assertEquals("v1-u2", activeVersion());
    assertEquals(List.of(second.getId(), first.getId()), server.unlearning()
        .listJobs(ListJobsRequest.getDefaultInstance()).getJobsList().stream().map(Job::getId).toList());
  }

  @Test
  void candidateThatFailsAGateStaysACandidate() {
    Job end = last(submitOne(spec(0).setFakeLabel(-1).setGates(Gates.newBuilder()
        .setMinAucLu(0.95).setMaxFidLIncrease(0.05).setMinAcc(0.5)).build()));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertFalse(end.getPromoted());
    assertTrue(end.getMessage().contains("auc_lu is 0.93"), end.getMessage());
    assertTrue(end.getMessage().contains("fid_l is 11.0"), end.getMessage());
    assertTrue(end.getMessage().contains("acc was not measured"), end.getMessage());
    assertEquals("v1", activeVersion());
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    assertEquals("v1-u1", activeVersion());
  }

  @Test
  void candidateThatHasNotForgottenStaysACandidateUnlessAskedTo() {
    Job end = last(submitOne(spec(WorkerDouble.DOES_NOT_FORGET).build()));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertFalse(end.getPromoted());
    assertTrue(end.getMessage().startsWith("not promoted: the verdict is not forgotten: the images are still drawn"),
        end.getMessage());
    assertEquals("v1", activeVersion());
    Job second = last(submitOne(spec(WorkerDouble.DOES_NOT_FORGET)
        .setGates(Gates.newBuilder().setPromoteNotForgotten(true)).build()));
    assertTrue(second.getPromoted(), second.getMessage());
    assertEquals(second.getNewVersion(), activeVersion());
  }

  /** A chain of small losses shows only against the version that no unlearning has touched. */
  @Test
  void everyJobIsToldOfTheOldestVersion() throws Exception {
    Path v1 = root.resolve("models/tiny/v1");
    for (String base : List.of("v1", "v1-u1", "v1-u2")) {
      Job end = last(submitOne(spec(0).build()));
      assertEquals(base, end.getBaseVersion());
      WorkerJob work = work(end);
      assertTrue(Files.isSameFile(v1, Path.of(URI.create(work.getRootBundle()))), work.getRootBundle());
      assertEquals(base, Path.of(URI.create(work.getBaseBundle())).getFileName().toString());
    }
  }

  @Test
  void candidateIsKeptWhenAskedTo() {
    Job end = last(submitOne(spec(0).setKeepAsCandidate(true).build()));
    assertFalse(end.getPromoted());
    assertEquals("v1-u1", end.getNewVersion());
    assertEquals("v1", activeVersion());
  }

  @Test
  void crashFailsTheJobWithItsCauseAndTheServerGoesOn() {
    Job end = last(submitOne(spec(WorkerDouble.CRASHES).build()));
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertTrue(end.getMessage().contains("signal 6"), end.getMessage());
    assertTrue(end.getMessage().contains("there was no memory left for a tensor"), end.getMessage());
    assertEquals("v1", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, last(submitOne(spec(0).build())).getState());
  }

  @Test
  void failureThatTheWorkerReportsIsTheJobs() {
    Job end = last(submitOne(spec(WorkerDouble.REPORTS_FAILURE).build()));
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertTrue(end.getMessage().startsWith("the loss is not a number (the worker exited with status 1)"),
        end.getMessage());
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> server.unlearning()
        .getReport(GetReportRequest.newBuilder().setJobId(end.getId()).build()));
    assertEquals(Code.FAILED_PRECONDITION, refusal.getStatus().getCode());
  }

  @Test
  void workerThatEndsWithoutDoneHasFailed() {
    Job end = last(submitOne(spec(WorkerDouble.ENDS_WITHOUT_DONE).build()));
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertTrue(end.getMessage().contains("without having said that it was done"), end.getMessage());
    assertEquals("v1", activeVersion());
  }

  @Test
  void damagedCandidateIsRefusedAndBecomesNoVersion() {
    Job end = last(submitOne(spec(WorkerDouble.LEAVES_DAMAGED_CANDIDATE).build()));
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertTrue(end.getMessage().contains("refused") && end.getMessage().contains("SHA-256"), end.getMessage());
    assertEquals("v1", activeVersion());
    assertEquals(1, server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersionsCount());
  }

  @Test
  void runningAndQueuedJobsAreCancelled() {
    Job running = submitOne(spec(WorkerDouble.WAITS).build());
    Job queued = submitOne(spec(0).build());
    untilProgress(running);
    Job cancelled = cancel(queued);
    assertEquals(JobState.JOB_STATE_CANCELLED, cancelled.getState());
    assertEquals(JobState.JOB_STATE_CANCELLED, cancel(running).getState());
    assertEquals(JobState.JOB_STATE_CANCELLED, last(running).getState());
    StatusRuntimeException late = assertThrows(StatusRuntimeException.class, () -> cancel(running));
    assertEquals(Code.FAILED_PRECONDITION, late.getStatus().getCode());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, last(submitOne(spec(0).build())).getState());
  }

  @Test
  void workerThatDoesNotHeedSigtermIsKilled() {
    Job running = submitOne(spec(WorkerDouble.IGNORES_SIGTERM).build());
    untilProgress(running);
    assertEquals(JobState.JOB_STATE_CANCELLED, cancel(running).getState());
  }

  @Test
  void restartKeepsTheActiveVersionAndTakesUpWhatRanAndWhatWaited() throws IOException {
    Job done = last(submitOne(spec(0).build()));
    Job running = submitOne(spec(WorkerDouble.WAITS_ONCE).build());
    Job waiting = submitOne(spec(0).build());
    untilProgress(running);
    server.close();
    server = ServerFixture.start(root, Optional.of(worker()));
    assertEquals(done, last(done));
    Job resumed = last(running);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, resumed.getState(), resumed.getMessage());
    assertEquals(2, resumed.getAttempt());
    assertTrue(resumed.getChangesList().stream().anyMatch(change -> change.getPhase() == JobPhase.JOB_PHASE_QUEUED
        && change.getCause().contains("server was stopped")), resumed::toString);
    Job end = last(waiting);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertEquals("v1-u2", end.getBaseVersion());
    assertEquals("v1-u3", activeVersion());
  }

  @Test
  void aSecondServerOnTheSameFoldersIsRefusedAndTheFirstGoesOn() throws IOException {
    Job running = submitOne(spec(WorkerDouble.WAITS).build());
    untilProgress(running);
    IOException refusal = assertThrows(IOException.class, () -> ServerFixture.start(root, Optional.of(worker())));
    assertTrue(refusal.getMessage().contains("another server works on " + root.resolve("state") + ": process "
        + ProcessHandle.current().pid()), refusal.getMessage());
    assertEquals(JobState.JOB_STATE_RUNNING, server.unlearning()
        .getJob(GetJobRequest.newBuilder().setJobId(running.getId()).build()).getState());
    cancel(running);
  }

  @Test
  void aWorkerThatCrashesOnceIsReplaced() {
    Job end = last(submitOne(spec(WorkerDouble.CRASHES_ONCE).build()));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertEquals(2, end.getAttempt());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, end.getPhase());
  }

  @Test
  void anOperatorPromotesWhereTheyAreAsked() throws IOException {
    server.close();
    server = ServerFixture.start(root, Map.of("worker-command", ServerFixture.line(worker()), "approval", "operator"));
    Job first = last(submitOne(spec(0).build()));
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, first.getPhase(), first.getMessage());
    assertEquals(JobState.JOB_STATE_SUCCEEDED, first.getState());
    assertEquals("v1", activeVersion());
    Job second = last(submitOne(spec(0).build()));
    assertEquals("v1", second.getBaseVersion());
    Job third = last(submitOne(spec(0).build()));
    // What awaits approval awaits it after a restart, too.
    server.close();
    server = ServerFixture.start(root, Map.of("worker-command", ServerFixture.line(worker()), "approval", "operator"));
    Job approved = server.unlearning().approveJob(ApproveJobRequest.newBuilder().setJobId(first.getId())
        .setReason("looks well").build());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, approved.getPhase());
    assertTrue(approved.getPromoted());
    assertEquals("v1-u1", activeVersion());
    assertTrue(approved.getChangesList().stream().anyMatch(change -> change.getCause().equals("approved: looks well")
        && change.getActor().equals("anonymous")), approved::toString);
    failsWith(Code.FAILED_PRECONDITION, "version v1-u1 was activated in place of v1", () -> server.unlearning()
        .approveJob(ApproveJobRequest.newBuilder().setJobId(second.getId()).build()));
    assertEquals(JobPhase.JOB_PHASE_REJECTED, server.unlearning().rejectJob(RejectJobRequest.newBuilder()
        .setJobId(third.getId()).setReason("no").build()).getPhase());
    failsWith(Code.FAILED_PRECONDITION, "does not await approval: it is rejected", () -> server.unlearning()
        .approveJob(ApproveJobRequest.newBuilder().setJobId(third.getId()).build()));
    failsWith(Code.FAILED_PRECONDITION, "is awaiting approval; it can be deleted once it has ended",
        () -> server.unlearning().deleteJob(DeleteJobRequest.newBuilder().setJobId(second.getId()).build()));
  }

  @Test
  void aRequestThatIsSentTwiceIsOneJobAndTooManyAreRefused() throws IOException {
    server.close();
    server = ServerFixture.start(root, Map.of("worker-command", ServerFixture.line(worker()), "max-jobs", "2"));
    Job running = submitOne(spec(WorkerDouble.WAITS).build());
    untilProgress(running);
    assertEquals(running.getId(), submitOne(spec(WorkerDouble.WAITS).build()).getId());
    Job keyed = submitOne(spec(0).setRequestKey("k").build());
    assertEquals(1, keyed.getQueuePosition());
    assertEquals(keyed.getId(), submitOne(spec(0).setRequestKey("k").build()).getId());
    refused(Code.ALREADY_EXISTS, "spec.request_key: is that of job " + keyed.getId(),
        of(spec(3).setRequestKey("k").build()), images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one")));
    refused(Code.RESOURCE_EXHAUSTED, "2 jobs wait or run", of(spec(0).build()),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(5), "one")));
    refused(Code.INVALID_ARGUMENT, "spec.request_key: has 129 characters", of(spec(0).setRequestKey("k".repeat(129))
        .build()));
    cancel(running);
    assertEquals(JobState.JOB_STATE_SUCCEEDED, last(keyed).getState());
    assertEquals(keyed.getId(), submitOne(spec(0).setRequestKey("k").build()).getId());
    until(() -> count(root.resolve("jobs")) == 2);
  }

  @Test
  void aJobThatHasEndedIsRetriedOrDeleted() {
    Job gone = last(submitOne(spec(WorkerDouble.REPORTS_FAILURE).build()));
    failsWith(Code.FAILED_PRECONDITION, "its images are deleted", () -> server.unlearning()
        .retryJob(RetryJobRequest.newBuilder().setJobId(gone.getId()).build()));
    Job failed = last(submitOne(spec(WorkerDouble.REPORTS_FAILURE).setKeepPictures(true).build()));
    Job again = server.unlearning().retryJob(RetryJobRequest.newBuilder().setJobId(failed.getId()).build());
    assertEquals(JobState.JOB_STATE_QUEUED, again.getState());
    Job end = last(again);
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertEquals(2, end.getAttempt());
    server.unlearning().deleteJob(DeleteJobRequest.newBuilder().setJobId(failed.getId()).build());
    failsWith(Code.NOT_FOUND, "there is no job", () -> server.unlearning()
        .getJob(GetJobRequest.newBuilder().setJobId(failed.getId()).build()));
    assertTrue(Files.notExists(root.resolve("jobs").resolve(failed.getId())));
    Job done = last(submitOne(spec(0).build()));
    failsWith(Code.FAILED_PRECONDITION, "is promoted; it cannot become queued", () -> server.unlearning()
        .retryJob(RetryJobRequest.newBuilder().setJobId(done.getId()).build()));
  }

  private static void failsWith(Code code, String part, Executable call) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(part), refusal.getMessage() + " lacks " + part);
  }

  @Test
  void jobsAreListedPageByPage() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ids.add(0, last(submitOne(spec(0).build())).getId());
    }
    ListJobsResponse first = server.unlearning().listJobs(ListJobsRequest.newBuilder().setPageSize(2).build());
    assertEquals(ids.subList(0, 2), first.getJobsList().stream().map(Job::getId).toList());
    ListJobsResponse second = server.unlearning().listJobs(ListJobsRequest.newBuilder().setPageSize(2)
        .setPageToken(first.getNextPageToken()).build());
    assertEquals(ids.subList(2, 3), second.getJobsList().stream().map(Job::getId).toList());
    assertEquals("", second.getNextPageToken());
    assertEquals(0, server.unlearning().listJobs(ListJobsRequest.newBuilder()
        .addStates(JobState.JOB_STATE_FAILED).build()).getJobsCount());
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> server.unlearning()
        .listJobs(ListJobsRequest.newBuilder().setPageSize(-1).build()));
    assertEquals(Code.INVALID_ARGUMENT, refusal.getStatus().getCode());
  }

  @Test
  void badSubmissionsAreRefusedByFieldAndLimit() throws IOException {
    SubmitRequest good = images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one"));
    SubmitRequest learn = images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(1), "one"));
    UnlearnSpec spec = spec(0).build();
    refused(Code.INVALID_ARGUMENT, "spec: is missing");
    refused(Code.INVALID_ARGUMENT, "spec: is missing", good);
    refused(Code.INVALID_ARGUMENT, "none to unlearn", of(spec));
    refused(Code.INVALID_ARGUMENT, "none to unlearn", of(spec), learn);
    refused(Code.INVALID_ARGUMENT, "role LEARN",
        of(spec(0).setMode(UnlearnMode.UNLEARN_MODE_FEW_SHOT).build()), good);
    refused(Code.INVALID_ARGUMENT, "spec: came twice", of(spec), of(spec));
    refused(Code.INVALID_ARGUMENT, "part", of(spec), SubmitRequest.getDefaultInstance());
    refused(Code.NOT_FOUND, "model", of(spec(0).setModel("other").build()));
    refused(Code.INVALID_ARGUMENT, "spec.batch: is 6; it must be a multiple of 4 from 4 to 256",
        of(spec(0).setBatch(6).build()));
    refused(Code.INVALID_ARGUMENT, "spec.iterations: is 0", of(spec(0).setIterations(0).build()));
    refused(Code.INVALID_ARGUMENT, "spec.learning_rate: is 0.2", of(spec(0).setLearningRate(0.2).build()));
    refused(Code.INVALID_ARGUMENT, "spec.fake_label: is NaN", of(spec(0).setFakeLabel(Double.NaN).build()));
    refused(Code.INVALID_ARGUMENT, "auto_fake_label; set one of the two",
        of(spec(0).setFakeLabel(1).setAutoFakeLabel(true).build()));
    refused(Code.INVALID_ARGUMENT, "spec.max_inversion_error: is 0.0", of(spec(0).setMaxInversionError(0).build()));
    refused(Code.INVALID_ARGUMENT, "spec.bad_images: 7", of(spec(0).setBadImagesValue(7).build()));
    refused(Code.INVALID_ARGUMENT, "spec.kind: 8", of(spec(0).setKindValue(8).build()));
    refused(Code.INVALID_ARGUMENT, "spec.substitute: 8", of(spec(0).setSubstituteValue(8).build()));
    refused(Code.INVALID_ARGUMENT, "spec.lambda2: is -1.0",
        of(spec(0).setRecipe(Recipe.RECIPE_PAPER).setLambda2(-1).build()));
    refused(Code.INVALID_ARGUMENT, "spec.recipe: 9", of(spec(0).setRecipeValue(9).build()));
    refused(Code.INVALID_ARGUMENT, "spec.mode: 9", of(spec(0).setModeValue(9).build()));
    refused(Code.INVALID_ARGUMENT, "spec.gates.min_auc_lu: is 1.5",
        of(spec(0).setGates(Gates.newBuilder().setMinAucLu(1.5)).build()));
    refused(Code.INVALID_ARGUMENT, "spec.gates.min_auc_lu: is 0.9 together with auto_fake_label",
        of(spec(0).setAutoFakeLabel(true).setGates(Gates.newBuilder().setMinAucLu(0.9)).build()));

    refused(Code.INVALID_ARGUMENT, "unlearn images[1].image: the 5 bytes are neither", of(spec), good,
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(ByteString.copyFromUtf8("hello"), "one")));
    byte[] small = ImageEncoder.png(new byte[28 * 28], 1, 28, 28);
    refused(Code.INVALID_ARGUMENT, "unlearn images[0].image: the image is 28x28 pixels; it must be exactly 32x32",
        of(spec), images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(ByteString.copyFrom(small), "one")));
    refused(Code.INVALID_ARGUMENT, "bytes; at most", of(spec),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(ByteString.copyFrom(new byte[2 << 20]), "one")));
    refused(Code.INVALID_ARGUMENT, "learn images[0].label: model tiny has no class \"ten\"", of(spec), good,
        images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(1), "ten")));
    refused(Code.INVALID_ARGUMENT, "unlearn images[0].label: is empty", of(spec),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "")));
    refused(Code.FAILED_PRECONDITION, "version v1 of tiny has unlearned class \"three\"", of(spec),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "3")));
    LabelledImage raw = LabelledImage.newBuilder().setLabel("one")
        .setImage(Image.newBuilder().setFormat(ImageFormat.IMAGE_FORMAT_RAW)).build();
    refused(Code.INVALID_ARGUMENT, "unlearn images[0].image.format: RAW", of(spec),
        images(ImageRole.IMAGE_ROLE_UNLEARN, raw));
    refused(Code.RESOURCE_EXHAUSTED, "33554432", of(spec),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(ByteString.copyFrom(new byte[33 << 20]), "one")));

    assertEquals(List.of(), server.unlearning().listJobs(ListJobsRequest.getDefaultInstance()).getJobsList());
    untilNoUploadIsLeft();
  }

  @Test
  void classIsUnlearnedWithoutImagesAndIsGoneForClients() {
    Job end = last(submit(classes("seven", "8").build()));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertEquals(UnlearnMode.UNLEARN_MODE_ZERO_SHOT, end.getSpec().getMode());
    assertEquals("v1-u1", activeVersion());
    StatusRuntimeException gone = assertThrows(StatusRuntimeException.class,
        () -> server.generation().generate(GenerateRequest.newBuilder().setLabel("seven").build()));
    assertEquals(Code.FAILED_PRECONDITION, gone.getStatus().getCode());
    assertTrue(gone.getStatus().getDescription().contains("version v1-u1"), gone.getMessage());
    server.generation().generate(GenerateRequest.newBuilder().setLabel("nine").build());
    refused(Code.FAILED_PRECONDITION, "spec.classes[1]: version v1-u1 of tiny has unlearned class \"eight\"",
        of(classes("one", "eight").build()));
  }

  @Test
  void badClassSubmissionsAreRefusedByFieldAndLimit() {
    refused(Code.INVALID_ARGUMENT, "spec.classes: is empty", of(classes().build()));
    refused(Code.INVALID_ARGUMENT, "spec.classes[0]: model tiny has no class \"ten\"", of(classes("ten").build()));
    refused(Code.FAILED_PRECONDITION, "spec.classes[0]: version v1 of tiny has unlearned class \"three\"",
        of(classes("three").build()));
    refused(Code.INVALID_ARGUMENT, "at least one class must stay",
        of(classes("0", "1", "2", "4", "5", "6", "7", "8", "9").build()));
    refused(Code.INVALID_ARGUMENT, "spec.classes: is [one]", of(spec(0).addClasses("one").build()));
    refused(Code.INVALID_ARGUMENT, "spec.max_inversion_error: is for kind ITEM",
        of(classes("one").setMaxInversionError(1).build()));
    refused(Code.INVALID_ARGUMENT, "unlearn images[0].label: is \"two\", which is none of the classes to unlearn",
        of(classes("one").build()), images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "two")));
    refused(Code.INVALID_ARGUMENT, "learn images[0].label: is \"one\", a class to unlearn",
        of(classes("one").build()), images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(1), "one")));
  }

  @Test
  void imagesSentTwiceAreRefusedOrLeftOut() throws Exception {
    SubmitRequest twice = images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one"), labelled(pixels(2), "two"),
        labelled(pixels(1), "one"), labelled(pixels(3), "four"));
    SubmitRequest learn = images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(4), "one"), labelled(pixels(4), "one"));
    refused(Code.INVALID_ARGUMENT, "unlearn images[2].image: is the same as unlearn images[0]", of(spec(0).build()),
        twice, learn);
    refused(Code.INVALID_ARGUMENT, "learn images[0].image: is the same as unlearn images[1]", of(spec(0).build()),
        images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one"), labelled(pixels(2), "two")),
        images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(2), "two")));

    Job end = last(submit(spec(0).setBadImages(BadImages.BAD_IMAGES_SKIP).build(), twice, learn));
    assertEquals(JobState.JOB_STATE_SUCCEEDED, end.getState(), end.getMessage());
    assertEquals(3, end.getUnlearnImages());
    WorkerJob work = work(end);
    assertEquals(List.of(1, 2, 4), work.getUnlearnLabelsList());
    assertEquals(List.of(0, 1, 3), work.getUnlearnIndicesList());
    assertEquals(List.of(2), work.getSkippedImagesList());
  }

  @Test
  void uploadThatBreaksOffLeavesNothing() throws Exception {
    CompletableFuture<Job> answer = new CompletableFuture<>();
    StreamObserver<SubmitRequest> upload = UnlearningServiceGrpc.newStub(server.channel()).submit(observer(answer));
    upload.onNext(of(spec(0).build()));
    upload.onNext(images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one")));
    until(() -> count(root.resolve("jobs")) == 1);
    upload.onError(new RuntimeException("the client has changed its mind"));
    untilNoUploadIsLeft();
  }

  @Test
  void unknownJobIsNotFound() {
    for (Runnable call : List.<Runnable>of(
        () -> server.unlearning().getJob(GetJobRequest.newBuilder().setJobId("x").build()),
        () -> server.unlearning().watch(WatchRequest.newBuilder().setJobId("x").build()).next(),
        () -> server.unlearning().cancelJob(CancelJobRequest.newBuilder().setJobId("x").build()),
        () -> server.unlearning().getReport(GetReportRequest.newBuilder().setJobId("../x").build()))) {
      StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call::run);
      assertEquals(Code.NOT_FOUND, refusal.getStatus().getCode());
    }
  }

  @Test
  void serverWithoutWorkerRefusesToUnlearn() throws IOException {
    server.close();
    server = ServerFixture.start(root);
    refused(Code.FAILED_PRECONDITION, "--worker-command", of(spec(0).build()));
  }

  @Test
  void workerThatCannotBeStartedFailsTheJob() throws IOException {
    server.close();
    server = ServerFixture.start(root, Optional.of(WorkerCommand.parse("/no/such/program")));
    Job end = last(submitOne(spec(0).build()));
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertTrue(end.getMessage().contains("/no/such/program"), end.getMessage());
  }

  /** What the worker was told, which is kept in the database. */
  private WorkerJob work(Job job) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select work from jobs where id = '" + job.getId() + "'")) {
      WorkerJob.Builder work = WorkerJob.newBuilder();
      JsonFormat.parser().merge(row.getString(1), work);
      return work.build();
    }
  }

  private String activeVersion() {
    return server.models().getActiveVersion(GetActiveVersionRequest.newBuilder().setModel("tiny").build())
        .getVersion();
  }

  private Job cancel(Job job) {
    return server.unlearning().cancelJob(CancelJobRequest.newBuilder().setJobId(job.getId()).build());
  }

  private List<Job> watch(String id) {
    List<Job> jobs = new ArrayList<>();
    server.unlearning().watch(WatchRequest.newBuilder().setJobId(id).build())
        .forEachRemaining(event -> jobs.add(event.getJob()));
    return jobs;
  }

  private Job last(Job job) {
    List<Job> changes = watch(job.getId());
    return changes.get(changes.size() - 1);
  }

  private void untilProgress(Job job) {
    Iterator<JobEvent> events = server.unlearning().watch(WatchRequest.newBuilder().setJobId(job.getId()).build());
    while (events.next().getJob().getProgress().getStep() == 0) {
      // The next event says more.
    }
  }

  private static UnlearnSpec.Builder spec(long behaviour) {
    return UnlearnSpec.newBuilder().setSeed(behaviour);
  }

  private static UnlearnSpec.Builder classes(String... labels) {
    return spec(0).setKind(UnlearnKind.UNLEARN_KIND_CLASS).addAllClasses(List.of(labels));
  }

  /** The same image each time: such a request is another job once the one before it has ended. */
  private Job submitOne(UnlearnSpec spec) {
    return submit(spec, images(ImageRole.IMAGE_ROLE_UNLEARN, labelled(pixels(1), "one")),
        images(ImageRole.IMAGE_ROLE_LEARN, labelled(pixels(2), "two")));
  }

  private Job submit(UnlearnSpec spec, SubmitRequest... images) {
    return send(Stream.concat(Stream.of(of(spec)), Stream.of(images)).toArray(SubmitRequest[]::new));
  }

  private Job send(SubmitRequest... messages) {
    return Submission.send(server.channel(), messages).orTimeout(20, TimeUnit.SECONDS).join();
  }

  private void refused(Code code, String part, SubmitRequest... messages) {
    CompletionException failure = assertThrows(CompletionException.class, () -> send(messages));
    StatusRuntimeException refusal = (StatusRuntimeException) failure.getCause();
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(refusal.getStatus().getDescription().contains(part), refusal.getMessage() + " lacks " + part);
  }

  private void untilNoUploadIsLeft() throws IOException {
    until(() -> count(root.resolve("jobs")) == 0);
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void until(Condition condition) throws IOException {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < limit, "the condition did not come true in 10 seconds");
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Folders of jobs and uploads; the database lies beside them. */
  private static long count(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.filter(Files::isDirectory).count();
    }
  }

  /** Another program holds the database, as a slow disk might. */
  @Test
  void noOtherCallWaitsWhileAJobsStateIsWrittenDown() throws Exception {
    Job running = submitOne(spec(WorkerDouble.WAITS).build());
    untilProgress(running);
    Job queued = submitOne(spec(0).build());
    UnlearningServiceGrpc.UnlearningServiceFutureStub calls = UnlearningServiceGrpc.newFutureStub(server.channel());
    Future<Job> cancelled;
    try (Connection holder = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        Statement statement = holder.createStatement()) {
      statement.execute("begin immediate");
      cancelled = calls.cancelJob(CancelJobRequest.newBuilder().setJobId(queued.getId()).build());
      CompletableFuture<Void> watched = CompletableFuture.runAsync(() -> watch(queued.getId()));
      for (int i = 0; i < 3; i++) {
        assertEquals(running.getId(), UnlearningServiceGrpc.newBlockingStub(server.channel())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .getJob(GetJobRequest.newBuilder().setJobId(running.getId()).build()).getId());
        assertEquals("v1", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
      }
      assertFalse(cancelled.isDone());
      statement.execute("rollback");
      watched.get(30, TimeUnit.SECONDS);
    }
    assertEquals(JobState.JOB_STATE_CANCELLED, cancelled.get(30, TimeUnit.SECONDS).getState());
    cancel(running);
  }
}
