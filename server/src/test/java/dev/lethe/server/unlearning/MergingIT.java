package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lethe.server.AuditCommand;
import dev.lethe.server.LiveFolder;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.ServerProcess;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.Statement;
import dev.lethe.server.provenance.Statement.Resource;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.GetErasureCertificateRequest;
import dev.lethe.v1.GetErasureCertificateResponse;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.GetReportRequest;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.ListVersionsRequest;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import io.grpc.Channel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests that wait for one model are carried out by one run. */
@Timeout(300)
class MergingIT {

  @TempDir
  Path root;

  private ServerFixture server;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    open(Map.of());
  }

  private void open(Map<String, String> more) throws IOException {
    server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble(), "merge", "true",
        "worker-attempts", "1"), more);
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
    }
  }

  /** Keeps the queue waiting until it is cancelled. */
  private Job busy() throws Exception {
    Job busy = items(WorkerDouble.WAITS, 99);
    phase(busy, JobPhase.JOB_PHASE_UNLEARNING);
    return busy;
  }

  private Job items(long behaviour, int... images) {
    return submit(server.channel(), UnlearnSpec.newBuilder().setSeed(behaviour).build(), images);
  }

  private static Job submit(Channel channel, UnlearnSpec spec, int... images) {
    LabelledImage[] labelled = new LabelledImage[images.length];
    for (int i = 0; i < images.length; i++) {
      labelled[i] = Submission.labelled(Submission.pixels(images[i]), "one");
    }
    return (images.length == 0 ? Submission.send(channel, Submission.of(spec)) : Submission.send(channel,
        Submission.of(spec), Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, labelled)))
        .orTimeout(60, TimeUnit.SECONDS).join();
  }

  private Job now(Job job) {
    return server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(job.getId()).build());
  }

  private Job phase(Job job, JobPhase phase) throws Exception {
    Until.holds(() -> now(job).getPhase() == phase);
    return now(job);
  }

  private Job cancel(Job job) {
    return server.unlearning().cancelJob(CancelJobRequest.newBuilder().setJobId(job.getId()).build());
  }

  private Statement certificate(Job job) throws IOException {
    GetErasureCertificateResponse proof = server.models().getErasureCertificate(
        GetErasureCertificateRequest.newBuilder().setJobId(job.getId()).build());
    String report = proof.getReport().toStringUtf8();
    assertTrue(report.contains(job.getId()));
    // Who was carried out with whom is nobody else's matter.
    job.getMergedJobsList().forEach(other -> assertFalse(report.contains(other)));
    assertTrue(job.getMergedInto().isEmpty() || !report.contains(job.getMergedInto()), report);
    return SignedStatement.verify(proof.getCertificate().toByteArray(),
        VerificationKey.read(root.resolve("jobs/signing.pem.pub")), "it").statement();
  }

  private static List<String> causes(Job job) {
    return job.getChangesList().stream().map(JobChange::getCause).toList();
  }

  @Test
  void oneRunCarriesOutWhatWaitsAndEachRequestHasItsOwnProof() throws Exception {
    Job busy = busy();
    Job first = items(0, 1, 2);
    Job second = items(0, 3);
    // One of its images is the first one's, too.
    Job third = items(0, 2, 4);
    Job other = submit(server.channel(), UnlearnSpec.newBuilder().setIterations(7).build(), 5);
    cancel(busy);
    List<Job> merged = new ArrayList<>();
    for (Job job : List.of(first, second, third)) {
      Job end = phase(job, JobPhase.JOB_PHASE_PROMOTED);
      merged.add(end);
      assertEquals("v1-u1", end.getNewVersion());
      assertEquals(1, end.getAttempt());
      assertEquals(end.getUnlearnImages(), end.getReport().getImages());
      assertEquals(end.getUnlearnImages(), end.getReport().getImageFindingsCount());
      assertEquals(job.getId(), end.getReport().getJobId());
      assertTrue(end.getReport().getFindingsList().stream().anyMatch(finding ->
          finding.contains("by one run with 2 other requests") && finding.contains("100 %")), end::toString);
      assertEquals(List.of(JobPhase.JOB_PHASE_QUEUED, JobPhase.JOB_PHASE_INVERTING, JobPhase.JOB_PHASE_UNLEARNING,
          JobPhase.JOB_PHASE_CANDIDATE, JobPhase.JOB_PHASE_PROMOTED),
          end.getChangesList().stream().map(JobChange::getPhase).toList());
    }
    assertEquals(List.of(second.getId(), third.getId()), merged.get(0).getMergedJobsList());
    assertEquals(first.getId(), merged.get(1).getMergedInto());
    // By its place among all: 1, 2 | 3 | 2, 4.
    assertEquals(List.of(0.99, 0.97), merged.get(2).getReport().getImageFindingsList().stream()
        .map(finding -> finding.getWay()).toList());
    assertEquals("v1-u2", phase(other, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());

    Set<String> digests = new TreeSet<>();
    for (Job job : merged) {
      Statement certificate = certificate(job);
      JsonNode erasure = certificate.predicate().path("erasure");
      assertEquals(job.getId() + " " + job.getUnlearnImages(), erasure.path("id").asText() + " "
          + erasure.path("images").asText());
      JsonNode commitments = certificate.predicate().path("commitments").path("sha256");
      assertEquals(job.getUnlearnImages(), commitments.size());
      commitments.forEach(commitment -> digests.add(commitment.asText()));
      List<String> reports = certificate.subject().stream().map(Resource::name).filter(ErasureCertificate::isReport)
          .toList();
      assertEquals(1, reports.size(), reports::toString);
      for (Job another : merged) {
        assertEquals(another == job, certificate.predicate().toString().contains(another.getId()));
      }
      // Pictures would show what others have sent.
      assertTrue(server.unlearning().getReport(GetReportRequest.newBuilder().setJobId(job.getId()).build())
          .getBeforeAfterPng().isEmpty());
    }
    assertEquals(5, digests.size());
    assertEquals(3, server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersionsList().stream().filter(version -> version.getVersion().equals("v1-u1")).findFirst().orElseThrow()
        .getLacksCount());
    Until.holds(() -> leftImages().isEmpty());

    server.close();
    assertEquals(0, AuditCommand.commandLine().execute("verify", "--models", root.resolve("models").toString(),
        "--state", root.resolve("state").toString(), "--jobs", root.resolve("jobs").toString()));
    Path folder = root.resolve("state/tiny/v1-u1");
    Path certificate = folder.resolve(ErasureCertificate.file(second.getId()));
    byte[] bytes = Files.readAllBytes(certificate);
    Files.delete(certificate);
    assertNotEquals(0, AuditCommand.commandLine().execute("verify", "--models", root.resolve("models").toString(),
        "--state", root.resolve("state").toString(), "--jobs", root.resolve("jobs").toString()));
    Files.write(certificate, bytes);
    // Of a database that is lost, the certificates tell of each of them.
    Files.delete(root.resolve("jobs/lethe.db"));
    open(Map.of());
    assertEquals(3, server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersionsList().stream().filter(version -> version.getVersion().equals("v1-u1")).findFirst().orElseThrow()
        .getLacksCount());
    assertEquals(third.getId(), certificate(third).predicate().path("erasure").path("id").asText());
  }

  private List<Path> leftImages() throws IOException {
    return LiveFolder.entries(root.resolve("jobs")).stream()
        .filter(file -> file.toString().endsWith(".sealed") || file.toString().contains("/session")).toList();
  }

  @Test
  void whatDoesNotPassForEachIsCarriedOutOneByOne() throws Exception {
    Job busy = busy();
    Job first = items(WorkerDouble.REDACTS_THE_FIRST_ALONE, 1);
    Job second = items(WorkerDouble.REDACTS_THE_FIRST_ALONE, 2);
    Job failing = items(WorkerDouble.REPORTS_FAILURE, 3);
    Job failingToo = items(WorkerDouble.REPORTS_FAILURE, 4);
    cancel(busy);
    assertEquals("v1-u1", phase(first, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
    assertEquals("v1-u2", phase(second, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
    for (Job job : List.of(first, second)) {
      assertEquals(2, now(job).getAttempt());
      assertTrue(causes(now(job)).stream().anyMatch(cause -> cause.startsWith("is carried out by itself from now on:")
          && cause.contains("of one of them: of its own images 0 %")), causes(now(job))::toString);
      assertEquals("", now(job).getMergedInto());
      assertEquals(0, now(job).getMergedJobsCount());
    }
    for (Job job : List.of(failing, failingToo)) {
      assertTrue(phase(job, JobPhase.JOB_PHASE_FAILED).getMessage().startsWith("the loss is not a number"));
      assertEquals(2, now(job).getAttempt());
    }
    Until.holds(() -> leftImages().isEmpty());
  }

  @Test
  void classesAreMergedAsLongAsOneStays() throws Exception {
    Job busy = busy();
    List<Job> jobs = new ArrayList<>();
    for (String name : List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")) {
      jobs.add(submit(server.channel(), UnlearnSpec.newBuilder().setKind(UnlearnKind.UNLEARN_KIND_CLASS)
          .addClasses(name).build()));
    }
    Job images = items(0, 1);
    cancel(busy);
    for (Job job : jobs.subList(0, 9)) {
      assertEquals("v1-u1", phase(job, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
      assertEquals(job.getSpec().getClassesList(), now(job).getSpec().getClassesList());
    }
    assertEquals(9, server.models().listVersions(ListVersionsRequest.newBuilder().setModel("tiny").build())
        .getVersionsList().stream().filter(version -> version.getVersion().equals("v1-u1")).findFirst().orElseThrow()
        .getUnlearnedLabelsCount());
    assertNotEquals("v1-u1", phase(images, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
  }

  @Test
  void whoIsCancelledLeavesTheRunAndItsImagesGoBeforeTheAnswer() throws Exception {
    Job busy = busy();
    Job first = items(WorkerDouble.WAITS, 1);
    Job second = items(WorkerDouble.WAITS, 2);
    Job third = items(WorkerDouble.WAITS, 3);
    cancel(busy);
    phase(third, JobPhase.JOB_PHASE_UNLEARNING);
    Path folder = root.resolve("jobs").resolve(first.getId());
    assertTrue(Files.exists(folder.resolve("unlearn/0002.png.sealed")));
    Files.writeString(folder.resolve("session/of-all"), "what the worker made of all images");
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, cancel(second).getPhase());
    assertFalse(Files.exists(folder.resolve("session/of-all")));
    assertFalse(Files.exists(folder.resolve("unlearn/0002.png.sealed")));
    assertFalse(Files.exists(root.resolve("jobs").resolve(second.getId()).resolve("unlearn")));
    phase(third, JobPhase.JOB_PHASE_UNLEARNING);
    assertEquals(List.of(third.getId()), now(first).getMergedJobsList());
    assertEquals(2, now(third).getAttempt());

    // The first one's own end is not that of the others.
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, cancel(first).getPhase());
    Until.holds(() -> now(third).getAttempt() == 3);
    assertEquals("", now(third).getMergedInto());
    assertEquals(JobPhase.JOB_PHASE_CANCELLED, cancel(third).getPhase());
    Until.holds(() -> leftImages().isEmpty());
  }

  @Test
  void aServerThatEndsGoesOnWithTheSameFromWhereTheyWere() throws Exception {
    Job busy = busy();
    Job first = items(WorkerDouble.WAITS_ONCE, 1);
    Job second = items(WorkerDouble.WAITS_ONCE, 2);
    cancel(busy);
    phase(second, JobPhase.JOB_PHASE_UNLEARNING);
    // It would be merged as well if the run began anew.
    Job late = items(WorkerDouble.WAITS_ONCE, 3);
    server.close();
    open(Map.of());
    assertEquals("v1-u1", phase(first, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
    assertEquals("v1-u1", phase(second, JobPhase.JOB_PHASE_PROMOTED).getNewVersion());
    assertEquals(2, now(second).getAttempt());
    phase(late, JobPhase.JOB_PHASE_UNLEARNING);
    cancel(late);
  }

  @Test
  void whereAnOperatorDecidesEachIsDecidedOnByItself() throws Exception {
    server.close();
    open(Map.of("approval", "operator"));
    Job busy = busy();
    Job first = items(0, 1);
    Job second = items(0, 2);
    cancel(busy);
    assertEquals("v1-u1", phase(first, JobPhase.JOB_PHASE_AWAITING_APPROVAL).getNewVersion());
    assertEquals("v1-u2", phase(second, JobPhase.JOB_PHASE_AWAITING_APPROVAL).getNewVersion());
  }

  @Test
  void killsAtAnyMomentLoseNoneOfThem() throws Exception {
    server.close();
    Path worker = root.resolve("quick-worker.sh");
    try (InputStream script = MergingIT.class.getResourceAsStream("quick-worker.sh")) {
      Files.copy(script, worker);
    }
    List<String> settings = List.of("--worker-command=sh \"" + worker + "\"", "--threads=1", "--merge=true");
    List<String> java = List.of("-XX:+UseSerialGC", "-Xmx256m");
    Random random = new Random(5);
    List<String> ids = new ArrayList<>();
    for (int kill = 0; kill < 6; kill++) {
      try (ServerProcess killed = ServerProcess.start(root, java, settings)) {
        if (kill < 3) {
          for (int i = 0; i < 3; i++) {
            ids.add(submit(killed.channel(), UnlearnSpec.getDefaultInstance(), 10 * kill + i).getId());
          }
        }
        Thread.sleep(random.nextInt(2500));
        killed.process().destroyForcibly().waitFor();
      }
    }
    try (ServerProcess last = ServerProcess.start(root, java, settings)) {
      Map<String, Job> ends = new HashMap<>();
      for (String id : ids) {
        Until.holds(() -> {
          Job job = UnlearningServiceGrpc.newBlockingStub(last.channel())
              .getJob(GetJobRequest.newBuilder().setJobId(id).build());
          ends.put(id, job);
          return job.getPhase() == JobPhase.JOB_PHASE_PROMOTED;
        });
      }
      Until.holds(() -> leftImages().isEmpty());
      Map<String, Set<String>> versions = new HashMap<>();
      ends.values().forEach(job -> versions.computeIfAbsent(job.getNewVersion(), first -> new TreeSet<>())
          .add(job.getId()));
      assertTrue(versions.size() < ids.size(), versions::toString);
      // Who was made with whom is what each says.
      ends.values().stream().filter(job -> job.getMergedJobsCount() > 0).forEach(first -> {
        Set<String> together = new TreeSet<>(first.getMergedJobsList());
        together.add(first.getId());
        assertEquals(together, versions.get(first.getNewVersion()));
      });
      last.process().destroyForcibly().waitFor();
    }
    server = ServerFixture.start(root, Map.of());
    for (String id : ids) {
      assertEquals(id, certificate(Job.newBuilder().setId(id).build()).predicate().path("erasure").path("id").asText());
    }
    server.close();
    server = null;
    assertEquals(0, AuditCommand.commandLine().execute("verify", "--models", root.resolve("models").toString(),
        "--state", root.resolve("state").toString(), "--jobs", root.resolve("jobs").toString()));
  }
}
