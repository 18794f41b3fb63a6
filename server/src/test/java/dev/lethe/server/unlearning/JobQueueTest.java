package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.util.Timestamps;
import dev.lethe.models.architecture.Precision;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.encryption.FileCipher;
import dev.lethe.models.files.FileTrees;
import dev.lethe.models.runtime.Compute;
import dev.lethe.server.LogLines;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.audit.AuditLog;
import dev.lethe.server.encryption.MasterKey;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.errors.DomainException.Precondition;
import dev.lethe.server.errors.DomainException.Unavailable;
import dev.lethe.server.events.EventLog;
import dev.lethe.server.events.LedgerInLog;
import dev.lethe.server.events.Verification;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.inference.InferenceEngine;
import dev.lethe.server.inference.ServingCompute;
import dev.lethe.server.jobs.JobRecord;
import dev.lethe.server.jobs.JobStore;
import dev.lethe.server.jobs.Phases;
import dev.lethe.server.lifecycle.LifeEvent;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.lifecycle.TestLives;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.modelstore.VersionFiles;
import dev.lethe.server.monitoring.ServerMetrics;
import dev.lethe.server.registry.CanaryRules;
import dev.lethe.server.registry.Lease;
import dev.lethe.server.registry.ModelRegistry;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.threads.Niceness;
import dev.lethe.server.tracing.Tracing;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobChange;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.UnlearnKind;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLTransientConnectionException;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** In what order jobs run, and what becomes of them at the end and the next start of a server. */
@Timeout(120)
class JobQueueTest {

  private static final ApprovalRules AUTOMATIC = new ApprovalRules(ApprovalRules.Who.AUTOMATIC, Map.of());

  private static final Lifecycle.Rules RULES = new Lifecycle.Rules(true, Duration.ZERO);

  @TempDir
  Path root;

  /** What another server does once, while this one writes down what it has decided. */
  private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> { });
  private final AtomicReference<Runnable> afterwards = new AtomicReference<>(() -> { });
  private final Vertx vertx = Vertx.vertx();
  private final ServerMetrics metrics = new ServerMetrics();
  private InferenceEngine engine;
  private ModelRegistry registry;
  private Database database;
  private MasterKey key;
  private JobFolders folders;
  private JobQueue queue;

  @BeforeEach
  void start() throws IOException {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    engine = new InferenceEngine(new ServingCompute(Compute.cpu(1), Precision.FP32, ServingCompute.Graphs.AUTO),
        new BatchingOptions(1, Duration.ZERO, 1, 100), Map.of(), metrics, Tracing.off().tracer());
    database = Database.open(DatabaseUrl.sqlite(root.resolve("lethe.db")));
    registry = ModelRegistry.open(vertx, new DiskModelStore(root.resolve("models"), root.resolve("state")), engine,
        metrics, new Lifecycle(new TestLives.Interrupted(new LedgerInLog(new EventLog(database)), meanwhile,
            afterwards), RULES), TestLives.signatory(root));
    folders = new JobFolders(root.resolve("jobs"));
    folders.mark();
    key = MasterKey.open(null, root.resolve("lethe.key"));
    queue = queue();
  }

  /** Its worker writes down which job it was started for, waits for the file {@code go}, and fails. */
  private JobQueue queue() {
    return queueOf("basename \"$0\" >> " + root.resolve("started") + "; while [ ! -e " + root.resolve("go")
        + " ]; do sleep 0.02; done; exit 1");
  }

  private JobQueue queueOf(String worker) {
    return queue(new WorkerCommand(List.of("sh", "-c", worker)), Duration.ofMinutes(1), key);
  }

  private JobQueue queue(WorkerCommand worker, Duration silence, MasterKey with) {
    return new JobQueue(database, with, folders, registry,
        new JobQueue.Options(Optional.of(worker), silence, 2, Duration.ofSeconds(5), 10, AUTOMATIC, MergeRules.OFF,
            CanaryRules.OFF, Optional.empty()), metrics, new AuditLog(entry -> { }, (kind, field, value) -> 0));
  }

  @AfterEach
  void stop() throws Exception {
    queue.close();
    database.close();
    engine.close();
    await(registry.close());
    await(vertx.close());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private Job submit(String id) throws IOException {
    Job job = queue.submit(folders.beginUpload(id), Job.newBuilder().setId(id).setSubmittedBy("ann")
        .setSpec(UnlearnSpec.newBuilder().setModel("tiny")), WorkerJob.newBuilder().setJobId(id).build(),
        new JobQueue.Asked("digest of " + id, "", List.of()));
    // Two of one millisecond have no order but that of their names.
    while (System.currentTimeMillis() <= Timestamps.toMillis(job.getSubmitted())) {
      Thread.onSpinWait();
    }
    return job;
  }

  private List<String> listed() {
    return queue.list("", List.of(), "", 100).stream().map(TrackedJob::id).toList();
  }

  private List<String> started() throws IOException {
    Path file = root.resolve("started");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  private void go() throws IOException {
    Files.createFile(root.resolve("go"));
  }

  @Test
  void jobsRunOneAtATimeInTheOrderOfSubmission() throws Exception {
    queue.recover(true);
    submit("b");
    submit("a");
    submit("c");
    Until.holds(() -> started().equals(List.of("b")));
    assertEquals(JobPhase.JOB_PHASE_INVERTING, queue.job("b").job().getPhase());
    assertEquals("v1", queue.job("b").job().getBaseVersion());
    assertEquals(JobState.JOB_STATE_QUEUED, queue.job("a").job().getState());
    assertEquals(List.of("c", "a", "b"), listed());
    go();
    for (String id : List.of("b", "a", "c")) {
      assertEquals(JobState.JOB_STATE_FAILED, await(queue.job(id).ended()).getState());
    }
    assertEquals(List.of("b", "a", "c"), started());
    assertTrue(queue.job("b").job().getMessage().contains("exited with status 1"), queue.job("b").job().getMessage());
    Until.holds(() -> metrics.text().contains("lethe_unlearning_jobs{state=\"failed\",} 3.0"));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aWorkerGivesWayToCalls() throws Exception {
    queue.recover(true);
    submit("a");
    Until.holds(() -> started().equals(List.of("a")));
    ProcessHandle worker = folders.of("a").leftWorker().orElseThrow();
    assertEquals(10, Niceness.of(worker));
    go();
    await(queue.job("a").ended());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatBlocksForJobsGivesWayToCalls() throws Exception {
    assertEquals(10, await(Background.of(vertx).run(Niceness::ofThisThread)));
  }

  @Test
  void aRehearsalGoesAllTheWayAndLeavesNothing() throws Exception {
    try (Lease active = registry.model("tiny").lease()) {
      new Rehearsal(registry, queue, key).submit(active);
    }
    assertEquals(List.of(), listed());
    try (Stream<Path> left = Files.walk(root.resolve("jobs"))) {
      assertEquals(List.of(), left.filter(path -> path.toString().contains("rehearsal")
          || path.toString().contains("upload")).toList());
    }
  }

  @Test
  void aCancelledJobNeverStartsAndTheNextOneDoes() throws Exception {
    queue.recover(true);
    submit("first");
    submit("second");
    submit("third");
    Until.holds(() -> started().size() == 1);
    assertEquals(JobState.JOB_STATE_CANCELLED, await(queue.cancel("second", "bob")).getState());
    Job cancelled = await(queue.cancel("first", "bob"));
    assertEquals(JobState.JOB_STATE_CANCELLED, cancelled.getState());
    assertEquals("bob", cancelled.getChanges(cancelled.getChangesCount() - 1).getActor());
    go();
    await(queue.job("third").ended());
    assertEquals(List.of("first", "third"), started());
    ExecutionException late = assertThrows(ExecutionException.class, () -> await(queue.cancel("second", "bob")));
    assertInstanceOf(Precondition.class, late.getCause());
    assertThrows(NotFound.class, () -> queue.cancel("nothing", "bob"));
  }

  @Test
  void aStartTakesUpWhatWaitedAndWhatRanInTheOrderOfSubmission() throws Exception {
    // No queue was started: nothing runs.
    submit("z");
    submit("a");
    new JobStore(database).change("z", before -> before.with(Phases.move(before.job(), JobPhase.JOB_PHASE_INVERTING,
        "server", "there", Instant.now())));
    go();
    queue.recover(true);
    await(queue.job("a").ended());
    assertEquals(List.of("z", "a"), started());
    Job ran = queue.job("z").job();
    assertEquals(2, ran.getAttempt());
    assertEquals("the server that carried it out has ended", ran.getChanges(2).getCause());
  }

  @Test
  void anUploadThatWasAcceptedIsAJobAndAnotherIsDeleted() throws Exception {
    // Of a server that was ended.
    JobFolders before = new JobFolders(root.resolve("jobs"));
    JobDirectory accepted = before.beginUpload("accepted");
    before.beginUpload("broken");
    JobDirectory goesOn = folders.beginUpload("goes-on");
    submit("other");
    new JobStore(database).insert(new JobRecord(queue.job("other").job().toBuilder().setId("accepted").build(),
        WorkerJob.getDefaultInstance(), JobRecord.Intent.NONE, "digest", ""), List.of(), 10);
    go();
    queue.recover(true);
    await(queue.job("other").ended());
    assertTrue(Files.exists(root.resolve("jobs/accepted")));
    assertTrue(Files.notExists(root.resolve("jobs/.upload-broken")));
    assertTrue(Files.notExists(accepted.path()));
    assertTrue(Files.exists(goesOn.path()));
    await(queue.job("accepted").ended());
  }

  @Test
  void theEndOfTheServerQueuesWhatRanAndTheNextStartTakesItUp() throws Exception {
    queue.recover(true);
    submit("ran");
    submit("waits");
    Until.holds(() -> started().size() == 1);
    queue.close();
    Job interrupted = new JobStore(database).find("ran").orElseThrow().job();
    assertEquals(JobPhase.JOB_PHASE_QUEUED, interrupted.getPhase());
    assertEquals("the server was stopped; the job goes on at its next start",
        interrupted.getChanges(interrupted.getChangesCount() - 1).getCause());
    assertEquals(List.of("ran"), started());
    queue = queue();
    go();
    queue.recover(true);
    await(queue.job("waits").ended());
    assertEquals(List.of("ran", "ran", "waits"), started());
  }

  @Test
  void aWorkerThatCrashesOrStandsStillIsReplacedAsOftenAsTheOperatorSays() throws Exception {
    queue = queue(new WorkerCommand(List.of("sh", "-c", "basename \"$0\" >> " + root.resolve("started")
        + "; [ $(wc -l < " + root.resolve("started") + ") = 1 ] && kill -9 $$; exec sleep 60")), Duration.ofMillis(300),
        key);
    queue.recover(true);
    submit("a");
    Job end = await(queue.job("a").ended());
    assertEquals(JobState.JOB_STATE_FAILED, end.getState());
    assertEquals(2, end.getAttempt());
    assertEquals(List.of("a", "a"), started());
    assertTrue(end.getChanges(2).getCause().startsWith("the worker was ended by signal 9"),
        end.getChanges(2).getCause());
    assertTrue(end.getMessage().contains("stood still for 0 s (--worker-timeout)"), end.getMessage());
    assertTrue(end.getMessage().contains("worker 2 of 2"), end.getMessage());
  }

  @Test
  void anUploadOfAServerThatWasEndedIsTakenAwaySoonAndOneUnderWayIsNot() throws Exception {
    JobDirectory left = new JobFolders(root.resolve("jobs")).beginUpload("left");
    JobDirectory goesOn = folders.beginUpload("goes-on");
    folders.recover(id -> false, Duration.ofMinutes(5));
    assertTrue(Files.exists(left.path()), "it may be somebody's yet");
    for (JobDirectory upload : List.of(left, goesOn)) {
      Files.setLastModifiedTime(upload.path(), FileTime.from(Instant.now().minusSeconds(301)));
    }
    folders.recover(id -> false, Duration.ofMinutes(5));
    assertTrue(Files.notExists(left.path()));
    // Other servers are shown that somebody is at it.
    new JobFolders(root.resolve("jobs")).recover(id -> false, Duration.ofMinutes(5));
    assertTrue(Files.exists(goesOn.path()));
  }

  /** As after a database was restored from a backup. */
  @Test
  void ofAJobThatTheDatabaseDoesNotKnowNothingReadableStays() throws Exception {
    String known = "20261128-205401-7b08fab6";
    String unknown = "20261128-205402-7b08fab6";
    submit(known);
    for (String id : List.of(known, unknown)) {
      for (String file : List.of("job.json", "worker.log", "session/latents", "checkpoint/a", "before_after.png",
          "before_after.png.sealed", "unlearn/0000.png.sealed", "candidate/card.json")) {
        Path path = folders.of(id).path().resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, file);
      }
    }
    try (LogLines log = LogLines.of(JobQueue.class)) {
      queue.recover(true);
      assertTrue(log.all().stream().anyMatch(line -> line.startsWith("WARN: the database does not know")
          && line.contains(unknown) && !line.contains(known)), () -> log.all().toString());
    }
    try (Stream<Path> left = Files.walk(folders.of(unknown).path())) {
      assertEquals(List.of("before_after.png.sealed", "candidate/card.json", "unlearn/0000.png.sealed"),
          left.filter(Files::isRegularFile).map(folders.of(unknown).path()::relativize).map(Path::toString).sorted()
              .toList());
    }
    assertTrue(Files.exists(folders.of(known).path().resolve("unlearn/0000.png.sealed")));
    Until.holds(() -> started().equals(List.of(known)));
    go();
    await(queue.job(known).ended());
  }

  @Test
  void jobsOfAModelThatIsUnloadedWaitUntilItIsLoaded() throws Exception {
    submit("a");
    decided("made");
    await(registry.model("tiny").unload());
    go();
    try (LogLines log = LogLines.of(JobQueue.class)) {
      queue.recover(true);
      log.until("tiny is not served here");
      // Several turns.
      Thread.sleep(3500);
      assertEquals(1, log.all().stream().filter(line -> line.contains("tiny is not served here")).count());
    }
    assertEquals(JobPhase.JOB_PHASE_QUEUED, queue.job("a").job().getPhase());
    assertEquals(List.of(), started());
    await(registry.model("tiny").load());
    assertTrue(await(queue.job("a").ended()).getMessage().contains("exited with status 1"));
    await(queue.job("made").ended());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.job("made").job().getPhase());
  }

  @Test
  void aModelThatIsUnloadedDuringATakeOverLeavesTheCandidateForLater() throws Exception {
    decided("a");
    JobStore store = new JobStore(database);
    await(registry.model("tiny").unload());
    TakeOver takeOver = new TakeOver(new TrackedJob(store, folders.of("a"), store.find("a").orElseThrow()), List.of(),
        registry, new Cleaning(store, key, new Pictures()), Runnable::run, new Canary(CanaryRules.OFF, () -> false));
    assertThrows(JobRun.NotServedException.class, takeOver::run);
    assertEquals(JobPhase.JOB_PHASE_CANDIDATE, store.find("a").orElseThrow().job().getPhase());
    await(registry.model("tiny").load());
    queue.recover(true);
    await(queue.job("a").ended());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.job("a").job().getPhase());
  }

  /** Its images are gone by then: nobody may be told to send them again. */
  @Test
  void anApprovalWhileTheModelIsUnloadedIsKept() throws Exception {
    awaiting("a");
    await(registry.model("tiny").unload());
    Unavailable refusal = assertThrows(Unavailable.class, () -> queue.approvals().approve("a", "bob", ""));
    assertTrue(refusal.getMessage().contains("tiny is unloaded; load it"), refusal.getMessage());
    assertEquals(JobRecord.Intent.PROMOTE, new JobStore(database).find("a").orElseThrow().intent());
    await(registry.model("tiny").load());
    queue.recover(true);
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, new JobStore(database).find("a").orElseThrow().job().getPhase());
    assertEquals(Optional.of("v1-u1"), registry.model("tiny").activeVersion());
  }

  private void awaiting(String id) throws Exception {
    registry.store().install(decided(id));
    awaits(id);
  }

  private void awaits(String id) {
    new JobStore(database).change(id, before -> before.with(Phases.move(before.job(),
        JobPhase.JOB_PHASE_AWAITING_APPROVAL, "server", "an operator decides", Instant.now()), JobRecord.Intent.ASK));
  }

  /** A job that was approved some time ago by somebody whose server ended before it was promoted. */
  private void approvedAndLeft(String id, Duration ago) throws Exception {
    registry.store().install(decided(id));
    Instant before = Instant.now().minus(ago);
    new JobStore(database).change(id, stored -> stored.with(Phases.move(stored.job(),
        JobPhase.JOB_PHASE_AWAITING_APPROVAL, "server", "an operator decides", before).toBuilder()
            .addChanges(JobChange.newBuilder().setPhase(JobPhase.JOB_PHASE_AWAITING_APPROVAL).setActor("bob")
                .setCause("approved").setTime(Timestamps.fromMillis(before.toEpochMilli()))).build(),
        JobRecord.Intent.PROMOTE));
  }

  private JobRecord stored(String id) {
    return new JobStore(database).find(id).orElseThrow();
  }

  @Test
  void anApprovalOfAServerThatEndedIsCarriedOutByAnother() throws Exception {
    approvedAndLeft("a", Duration.ofSeconds(60));
    await(registry.model("tiny").unload());
    queue.keepHouse();
    assertEquals(JobRecord.Intent.PROMOTE, stored("a").intent());
    await(registry.model("tiny").load());
    queue.keepHouse();
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, stored("a").job().getPhase());
  }

  @Test
  void anApprovalThatAServerIsJustCarryingOutIsLeftToIt() throws Exception {
    approvedAndLeft("a", Duration.ofSeconds(20));
    queue.keepHouse();
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, stored("a").job().getPhase());
  }

  @Test
  void anApprovalIsTakenBackByRejectionAsLongAsNothingServes() throws Exception {
    approvedAndLeft("a", Duration.ofMinutes(2));
    await(registry.model("tiny").unload());
    Precondition again = assertThrows(Precondition.class, () -> queue.approvals().approve("a", "bob", ""));
    assertTrue(again.getMessage().contains("approved already"), again.getMessage());
    assertEquals(JobPhase.JOB_PHASE_REJECTED, queue.approvals().reject("a", "ann", "changed our mind").getPhase());
    await(registry.model("tiny").load());
    queue.keepHouse();
    assertEquals(JobPhase.JOB_PHASE_REJECTED, stored("a").job().getPhase());
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
  }

  /** However long it takes until its version is loaded, here or on another server. */
  @Test
  void whatIsRejectedWhileItIsBeingPromotedDoesNotServe() throws Exception {
    awaiting("a");
    CountDownLatch loaderIsFree = keepLoaderBusy();
    CompletableFuture<Throwable> approval = new CompletableFuture<>();
    Thread approving = new Thread(() -> {
      try {
        queue.approvals().approve("a", "bob", "");
        approval.complete(null);
      } catch (Exception e) {
        approval.complete(e);
      }
    });
    approving.start();
    // It waits for the loader, and nothing else.
    Until.holds(() -> stored("a").intent() == JobRecord.Intent.PROMOTE
        && approving.getState() == Thread.State.WAITING);
    CompletableFuture<Job> rejection = CompletableFuture.supplyAsync(() -> queue.approvals().reject("a", "ann", ""));
    Until.holds(() -> stored("a").job().getPhase() == JobPhase.JOB_PHASE_REJECTED);
    loaderIsFree.countDown();
    Throwable refusal = approval.get(60, TimeUnit.SECONDS);
    assertInstanceOf(Precondition.class, refusal);
    assertTrue(refusal.getMessage().contains("rejected by now"), refusal.getMessage());
    assertEquals(JobPhase.JOB_PHASE_REJECTED, rejection.get(60, TimeUnit.SECONDS).getPhase());
    nothingIsPromoted();
  }

  /** As where one attempt fails while the next already waits for the loader. */
  @Test
  void whatWasGivenBackMeanwhileIsNotPromoted() throws Exception {
    triesWhile(() -> new JobStore(database).change("a", before -> before.with(before.job(), JobRecord.Intent.ASK)));
    assertEquals(JobRecord.Intent.ASK, stored("a").intent());
    nothingIsPromoted();
  }

  @Test
  void whatWasDeletedMeanwhileIsNotPromoted() throws Exception {
    triesWhile(() -> {
      new JobStore(database).change("a", before -> before.with(Phases.move(before.job(),
          JobPhase.JOB_PHASE_REJECTED, "ann", "rejected", Instant.now())));
      assertTrue(new JobStore(database).delete("a"));
    });
    nothingIsPromoted();
  }

  /** Carries an approval of job a out, for which something else happens while that waits for the loader. */
  private void triesWhile(Runnable happens) throws Exception {
    approvedAndLeft("a", Duration.ofMinutes(2));
    CountDownLatch loaderIsFree = keepLoaderBusy();
    Thread trying = new Thread(queue::keepHouse);
    trying.start();
    Until.holds(() -> trying.getState() == Thread.State.WAITING);
    happens.run();
    loaderIsFree.countDown();
    trying.join(60_000);
  }

  private void nothingIsPromoted() {
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
    registry.lifecycle().refresh();
    assertFalse(registry.model("tiny").life().wasPromoted("v1-u1"));
  }

  private static LifeEvent.Promoted promotion(String model) {
    return new LifeEvent.Promoted(new Erasure("a", model, "v1-u1", "v1", "class", List.of("seven"), 0, Instant.now()),
        "bob", Instant.now());
  }

  /** The lives of another server, which has the same database. */
  private Lifecycle others() {
    return new Lifecycle(new LedgerInLog(new EventLog(database)), RULES);
  }

  private void elsewhere(LifeEvent event) {
    others().record(event);
  }

  private void promotedElsewhere(String id) throws IOException {
    others().record(() -> List.of(promotion("tiny")),
        new JobStore(database).changing(id, before -> before.with(Phases.move(before.job(),
            JobPhase.JOB_PHASE_PROMOTED, "server", "serves", Instant.now()).toBuilder().setPromoted(true).build())));
  }

  /** Of two that are made from one version, each holds what the other has erased: nothing would be left to serve. */
  @Test
  void whatAnotherServerPromotesMeanwhileIsNotPassedOver() throws Exception {
    certifiable("a");
    TinyBundles.conditional(root.resolve("models"), "v1-u2", 9);
    meanwhile.set(() -> elsewhere(new LifeEvent.Promoted(new Erasure("b", "tiny", "v1-u2", "v1", "class",
        List.of("one"), 0, Instant.now()), "bob", Instant.now())));
    Precondition refusal = assertThrows(Precondition.class, () -> queue.approvals().approve("a", "bob", ""));
    assertTrue(refusal.getMessage().contains("version v1-u2 was activated in place of v1"), refusal.getMessage());
    assertEquals(JobRecord.Intent.ASK, stored("a").intent());
    assertFalse(registry.model("tiny").life().wasPromoted("v1-u1"));
    assertTrue(Files.notExists(certificate()));
  }

  /** As {@link #awaiting}, of a job whose report is known. */
  private void certifiable(String id) throws Exception {
    Bundle made = decided(id);
    folders.of(id).keepReport(ErasureCertificate.REPORT, ErasureCertificate.report(stored(id).job(), List.of()));
    registry.store().install(made);
    awaits(id);
  }

  private Path certificate() {
    return root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.FILE);
  }

  /** By the log another version is active: orders must end that, and what they end may be retired then. */
  @Test
  void anOrderOfWhatServesIsWrittenDown() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v0", 9);
    elsewhere(new LifeEvent.Overridden("tiny", "v0", "ann", "a rollback", Instant.now()));
    await(registry.model("tiny").activate("v1", "bob", ""));
    await(registry.model("tiny").retire("v0", "bob", "it draws badly"));
    assertEquals(Optional.of("v1"), registry.model("tiny").life().chosen());
  }

  @Test
  void whatAnotherServerHasChosenIsNotPurged() throws Exception {
    awaiting("a");
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.approvals().approve("a", "bob", "").getPhase());
    TinyBundles.conditional(root.resolve("made"), "v0", 9);
    registry.store().install(Bundle.open(root.resolve("made/tiny/v0")));
    elsewhere(new LifeEvent.Overridden("tiny", "v0", "ann", "a rollback", Instant.now()));
    ExecutionException refusal = assertThrows(ExecutionException.class,
        () -> await(registry.model("tiny").purge("v0", "bob")));
    assertTrue(refusal.getMessage().contains("is not retired"), refusal.getMessage());
    assertTrue(registry.store().versions("tiny").containsKey("v0"));
  }

  @Test
  void whatAnotherServerActivatesMeanwhileIsNotReplaced() throws Exception {
    awaiting("a");
    TinyBundles.conditional(root.resolve("models"), "v2", 9);
    meanwhile.set(() -> elsewhere(new LifeEvent.Activated("tiny", "v2", "ann", Instant.now())));
    Precondition refusal = assertThrows(Precondition.class, () -> queue.approvals().approve("a", "bob", ""));
    assertTrue(refusal.getMessage().contains("version v2 was activated in place of v1"), refusal.getMessage());
    nothingIsPromoted();
  }

  /** Whoever wrote the promotion down waited for an answer that did not come, and others had it meanwhile. */
  @Test
  void aPromotionThatIsLearntOfLateUndoesNoRollback() throws Exception {
    awaiting("a");
    afterwards.set(() -> {
      elsewhere(new LifeEvent.Overridden("tiny", "v1", "ann", "it draws badly", Instant.now()));
      database.transaction(connection -> {
        throw new SQLTransientConnectionException("it is gone");
      });
    });
    queue.approvals().approve("a", "bob", "");
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, stored("a").job().getPhase());
    assertTrue(registry.model("tiny").life().wasPromoted("v1-u1"));
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
  }

  @Test
  void whatAnotherServerRetiresMeanwhileIsNotPromoted() throws Exception {
    awaiting("a");
    meanwhile.set(() -> elsewhere(new LifeEvent.Retired("tiny", "v1-u1", "ann", "it draws badly", Instant.now())));
    Precondition refusal = assertThrows(Precondition.class, () -> queue.approvals().approve("a", "bob", ""));
    assertTrue(refusal.getMessage().contains("it draws badly"), refusal.getMessage());
    nothingIsPromoted();
  }

  @Test
  void whatAnotherServerHasActivatedIsNotRetired() throws Exception {
    registry.store().install(decided("a"));
    elsewhere(new LifeEvent.Activated("tiny", "v1-u1", "ann", Instant.now()));
    ExecutionException refusal = assertThrows(ExecutionException.class,
        () -> await(registry.model("tiny").retire("v1-u1", "bob", "")));
    assertInstanceOf(Precondition.class, refusal.getCause());
  }

  @Test
  void anApprovalThatAnotherServerCarriesOutAtTheSameTimeIsCarriedOutOnce() throws Exception {
    awaiting("a");
    meanwhile.set(() -> {
      try {
        promotedElsewhere("a");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.approvals().approve("a", "bob", "").getPhase());
    assertEquals(1, new EventLog(database).ofKinds(List.of("promoted")).size());
    Until.holds(() -> registry.model("tiny").activeVersion().equals(Optional.of("v1-u1")));
  }

  /** Its version was activated by hand, and then another: what is left is to say so. */
  @Test
  void anApprovalUndoesNoRollback() throws Exception {
    awaiting("a");
    await(registry.model("tiny").activate("v1-u1", "ann", ""));
    await(registry.model("tiny").activate("v1", "ann", "it draws badly"));
    assertThrows(Precondition.class, () -> queue.approvals().reject("a", "bob", ""));
    await(registry.model("tiny").retire("v1-u1", "ann", "it draws badly"));
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.approvals().approve("a", "bob", "").getPhase());
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
  }

  /** Whoever reads the log first: a look of this server's, an order, or a job. */
  @Test
  void whatIsRetiredElsewhereIsServedNoMoreWhoeverReadsOfIt() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v0", 9);
    await(registry.model("tiny").lease("v0")).close();
    elsewhere(new LifeEvent.Retired("tiny", "v0", "ann", "it draws badly", Instant.now()));
    registry.lifecycle().follow();
    registry.settle();
    Until.holds(() -> {
      try {
        await(registry.model("tiny").lease("v0")).close();
        return false;
      } catch (ExecutionException e) {
        return e.getCause() instanceof Precondition;
      }
    });
  }

  /** Nobody knows whether it was promoted; once that is known, nothing says that it was, unless it was. */
  @Test
  void aPromotionThatFailedOnTheWayLeavesNoCertificate() throws Exception {
    certifiable("a");
    Path certificate = certificate();
    meanwhile.set(() -> {
      assertTrue(Files.exists(certificate));
      database.transaction(connection -> {
        throw new SQLTransientConnectionException("it is gone");
      });
    });
    assertThrows(ExecutionException.class, () -> await(registry.model("tiny").activate("v1-u1", "ann", "")));
    assertTrue(Files.exists(certificate));
    registry.settle();
    Until.holds(() -> Files.notExists(certificate));
  }

  /** As where whoever wrote the promotion down was killed before the switch, or did not hear that it was written. */
  @Test
  void whatIsPromotedServesThoughNobodyCameToTheSwitch() throws Exception {
    approvedAndLeft("a", Duration.ofMinutes(2));
    promotedElsewhere("a");
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
    queue.keepHouse();
    Until.holds(() -> registry.model("tiny").activeVersion().equals(Optional.of("v1-u1")));
    Until.holds(() -> registry.store().chosen("tiny").equals(Optional.of("v1-u1")));
  }

  /** The same, for a version that was activated by hand. */
  @Test
  void anApprovalOfWhatWasActivatedAndNotSwitchedToSwitches() throws Exception {
    awaiting("a");
    registry.lifecycle().record(promotion("tiny"));
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.approvals().approve("a", "bob", "").getPhase());
    Until.holds(() -> registry.model("tiny").activeVersion().equals(Optional.of("v1-u1")));
  }

  private CountDownLatch keepLoaderBusy() {
    CountDownLatch free = new CountDownLatch(1);
    vertx.createSharedWorkerExecutor("lethe-loader").executeBlocking(() -> {
      free.await();
      return null;
    });
    return free;
  }

  @Test
  void whatCannotBeDeletedKeepsNothingElseFromBeingDone() throws Exception {
    approvedAndLeft("a", Duration.ofMinutes(2));
    FileTrees.delete(root.resolve("jobs"));
    Files.createFile(root.resolve("jobs"));
    queue.keepHouse();
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, stored("a").job().getPhase());
  }

  /** A job of a model that is not here. */
  private void awaitingOfAbsentModel(String id) throws Exception {
    registry.store().install(decided(id));
    new JobStore(database).change(id, before -> {
      Job awaiting = Phases.move(before.job(), JobPhase.JOB_PHASE_AWAITING_APPROVAL, "server", "decide", Instant.now());
      return before.with(awaiting.toBuilder().setSpec(awaiting.getSpec().toBuilder().setModel("gone")).build(),
          JobRecord.Intent.ASK);
    });
  }

  /** Nobody could ever carry such an approval out. */
  @Test
  void aModelThatIsNotHereIsNeitherApprovedNorInTheWayOfARejection() throws Exception {
    awaitingOfAbsentModel("a");
    assertThrows(NotFound.class, () -> queue.approvals().approve("a", "bob", ""));
    assertEquals(JobRecord.Intent.ASK, stored("a").intent());
    assertEquals(JobPhase.JOB_PHASE_REJECTED, queue.approvals().reject("a", "bob", "").getPhase());
  }

  @Test
  void whatWasActivatedByHandIsRecordedByItsApprovalThoughItsModelIsGone() throws Exception {
    awaitingOfAbsentModel("a");
    registry.lifecycle().record(promotion("gone"));
    assertThrows(Precondition.class, () -> queue.approvals().reject("a", "bob", ""));
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.approvals().approve("a", "bob", "").getPhase());
  }

  /** What this database does not know may be of a server that agrees by another one, and is at work. */
  @Test
  void besideOthersNothingUnknownIsTouched() throws Exception {
    Path file = folders.of("20261128-205402-7b08fab6").path().resolve("job.json");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{}");
    queue.recover(false);
    assertTrue(Files.exists(file));
  }

  /** How far a take-over had come when its server ended. */
  private enum Reached { DECIDED, MOVED, SWITCHED }

  @ParameterizedTest
  @EnumSource
  void aTakeOverIsCarriedOnFromWhereverItWas(Reached reached) throws Exception {
    Bundle made = decided("a");
    if (reached != Reached.DECIDED) {
      folders.of("a").keepReport(ErasureCertificate.REPORT, ErasureCertificate.report(stored("a").job(), List.of()));
      registry.store().install(made);
    }
    if (reached == Reached.SWITCHED) {
      await(registry.model("tiny").activate("v1-u1", "operator", ""));
    }
    queue.recover(true);
    Until.holds(() -> queue.job("a").job().hasEnded());
    Job end = queue.job("a").job();
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, end.getPhase(), end.getMessage());
    assertEquals(1, end.getAttempt());
    assertEquals(Optional.of("v1-u1"), registry.model("tiny").activeVersion());
    assertEquals(Set.of("v1", "v1-u1"), registry.store().versions("tiny").keySet());
    assertEquals(List.of(), started());
  }

  /** Nothing of what a job was asked for is in a version that another has made, whatever its name. */
  @Test
  void aVersionOfTheSameNameThatAnotherJobMadeIsNotTakenForItsOwn() throws Exception {
    Bundle made = decided("a");
    Job another = stored("a").job().toBuilder().setId("b").build();
    folders.of("a").keepReport(ErasureCertificate.REPORT, ErasureCertificate.report(another, List.of()));
    registry.store().install(made);
    queue.recover(true);
    await(queue.job("a").ended());
    assertEquals(JobPhase.JOB_PHASE_FAILED, queue.job("a").job().getPhase());
    assertTrue(queue.job("a").job().getMessage().contains("there is a version v1-u1 already"),
        queue.job("a").job().getMessage());
    assertEquals(Optional.of("v1"), registry.model("tiny").activeVersion());
  }

  /** A candidate waits since its model was unloaded, and an older job is retried meanwhile. */
  @Test
  void aJobThatIsRetriedDoesNotOvertakeTheOneAtWork() throws Exception {
    submit("older");
    decided("a");
    queue.recover(true);
    await(queue.job("a").ended());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, queue.job("a").job().getPhase());
    Until.holds(() -> started().equals(List.of("older")));
    assertEquals("v1-u1", queue.job("older").job().getBaseVersion());
    go();
    await(queue.job("older").ended());
  }

  /** Else the bound on what all erasures together may cost begins anew with each purge. */
  @Test
  void theRootIsFoundOverVersionsThatWerePurged() throws Exception {
    registry.lifecycle().record(promotion("tiny"));
    registry.lifecycle().record(new LifeEvent.Promoted(new Erasure("b", "tiny", "v1-u2", "v1-u1", "class",
        List.of("one"), 0, Instant.now()), "bob", Instant.now()));
    Bundle made = TinyBundles.conditional(root.resolve("made"), "v1-u2", 8);
    registry.store().install(Bundle.seal(made.directory(), TinyBundles.card("tiny", "v1-u2", "v1-u1",
        TinyBundles.CONDITIONAL, Map.of())));
    await(registry.model("tiny").activate("v1-u2", "ann", ""));
    submit("a");
    queue.recover(true);
    Until.holds(() -> started().equals(List.of("a")));
    assertEquals("v1-u2", stored("a").job().getBaseVersion());
    assertEquals(registry.store().uri(registry.store().versions("tiny").get("v1")).toString(),
        stored("a").work().getRootBundle());
    go();
    await(queue.job("a").ended());
  }

  @Test
  void aRootThatWasPurgedMeanwhileIsNotWhatAJobIsComparedWith() throws Exception {
    submit("a");
    String base = registry.store().uri(registry.store().versions("tiny").get("v1")).toString();
    new JobStore(database).change("a", before -> new JobRecord(before.job(), before.work().toBuilder()
        .setBaseBundle(base).setRootBundle("file:///gone").setNewVersion("v1-u1").build(), before.intent(),
        before.request(), ""));
    queue.recover(true);
    Until.holds(() -> started().equals(List.of("a")));
    assertEquals(base, stored("a").work().getRootBundle());
    go();
    await(queue.job("a").ended());
  }

  /** Its images are not deleted for that. */
  @Test
  void aWorkerThatTheDiskHasNoRoomForIsStartedAgain() throws Exception {
    queue = queueOf("basename \"$0\" >> " + root.resolve("started") + "; if [ $(wc -l < " + root.resolve("started")
        + ") = 1 ]; then echo '{\"failure\":{\"message\":\"/a/b: No space left on device\"}}'; fi; exit 1");
    queue.recover(true);
    submit("a");
    Until.holds(() -> queue.job("a").job().getMessage().startsWith("waits: /a/b: No space left on device"));
    assertFalse(queue.job("a").job().hasEnded());
    Job end = await(queue.job("a").ended());
    assertEquals(List.of("a", "a"), started());
    assertFalse(end.getMessage().contains("No space"), end.getMessage());
  }

  /** A server was started without the key that it had: those of jobs cannot be had again once they are forgotten. */
  @Test
  void aJobWhoseImagesAreUnderAnotherKeyWaitsForItAndCanBeCancelled() throws Exception {
    for (String id : List.of("a", "b")) {
      submit(id);
      new JobStore(database).change(id, before -> new JobRecord(before.job(), before.work(), before.intent(),
          before.request(), key.seal(id, FileCipher.newKey())));
    }
    queue = queue(new WorkerCommand(List.of("false")), Duration.ofMinutes(1),
        MasterKey.open(null, root.resolve("another.key")));
    queue.recover(true);
    Until.holds(() -> queue.job("a").job().getMessage().startsWith("waits: its images are encrypted under another"));
    assertEquals(JobState.JOB_STATE_CANCELLED, await(queue.cancel("a", "ann")).getState());
    Until.holds(() -> queue.job("b").job().getMessage().startsWith("waits: "));
    queue.close();
    queue = queue();
    go();
    queue.recover(true);
    assertTrue(await(queue.job("b").ended()).getMessage().contains("exited with status 1"));
    assertEquals(List.of("b"), started());
  }

  @Test
  void whatAWorkerMakesOfAJobThatWasDeletedMeanwhileIsDeleted() throws Exception {
    queue.recover(true);
    submit("a");
    Until.holds(() -> started().equals(List.of("a")));
    JobStore store = new JobStore(database);
    store.change("a", before -> before.with(Phases.move(before.job(), JobPhase.JOB_PHASE_CANCELLED, "ann", "elsewhere",
        Instant.now())));
    assertTrue(store.delete("a"));
    Files.writeString(folders.of("a").path().resolve("before_after.png"), "a face");
    go();
    Until.holds(() -> folders.of("a").isGone());
  }

  /** Whose files these were to be, one cannot say of a place where nothing is mounted. */
  @Test
  void jobsWaitForTheirFolderAndAreCleanedUpThen() throws Exception {
    String id = "20261128-205401-7b08fab6";
    submit(id);
    new JobStore(database).change(id, before -> before.with(before.job().toBuilder().setUnlearnImages(1).build()));
    Path away = root.resolve("away");
    Files.move(root.resolve("jobs"), away);
    Files.createDirectory(root.resolve("jobs"));
    queue.recover(true);
    Until.holds(() -> queue.job(id).job().getMessage().contains("is not there; see to it that the folder of jobs is"));
    assertEquals(JobState.JOB_STATE_CANCELLED, await(queue.cancel(id, "ann")).getState());
    queue.keepHouse();
    assertTrue(new JobStore(database).isUncleaned(id));
    // What is put there would be hidden by the disk, and speak for a folder that is none.
    assertThrows(Unavailable.class, () -> submit("b"));
    assertThrows(Unavailable.class, () -> queue.delete(id));
    Files.delete(root.resolve("jobs"));
    Files.move(away, root.resolve("jobs"));
    new JobStore(database).change(id, before -> before.with(before.job().toBuilder().setEnded(
        Timestamps.fromMillis(0)).build()));
    queue.keepHouse();
    assertFalse(new JobStore(database).isUncleaned(id));
  }

  /** A worker outlived its server, whose job was ended elsewhere meanwhile. */
  @Test
  void whatWasLeftOfAJobAfterItsEndIsDeletedAtTheNextStart() throws Exception {
    String id = "20261128-205401-7b08fab6";
    submit(id);
    await(queue.cancel(id, "ann"));
    assertFalse(new JobStore(database).isUncleaned(id));
    Path late = Files.createDirectories(folders.of(id).path().resolve("session")).resolve("latents");
    Files.writeString(late, "a face");
    queue.recover(false);
    assertTrue(Files.notExists(late));
  }

  /** A file's name says nothing of the disk. */
  @Test
  void whatAClientCallsItsImagesIsNoReasonToWait() throws Exception {
    queue = queueOf("echo '{\"failure\":{\"message\":\"No space left on device: was not found\"}}'; exit 1");
    submit("a");
    new JobStore(database).change("a", before -> new JobRecord(before.job(), before.work().toBuilder()
        .addUnlearnNames("No space left on device").addUnlearnIndices(0).build(), before.intent(), before.request(),
        ""));
    queue.recover(true);
    assertEquals(JobPhase.JOB_PHASE_FAILED, await(queue.job("a").ended()).getPhase());
  }

  /** It would be taken for the run's first, by whoever asks whose turn it is. */
  @Test
  void aRunTakesNoJobAlongThatGoesBeforeIt() throws Exception {
    Merging merging = merging(UnlearnSpec.newBuilder().setModel("tiny").build(), 1);
    assertEquals(List.of("b"), merging.gather(queue.job("a"), TinyBundles.card("tiny", "v1", null,
        TinyBundles.CONDITIONAL, Map.of())).stream().map(TrackedJob::id).toList());
    assertEquals(List.of(), merging.gather(queue.job("b"), TinyBundles.card("tiny", "v1", null,
        TinyBundles.CONDITIONAL, Map.of())));
  }

  /** The key of those that were retried is forgotten: there was no image. */
  @Test
  void classesWithoutAKeyAreCarriedOutTogether() throws Exception {
    Merging merging = merging(UnlearnSpec.newBuilder().setModel("tiny").setKind(UnlearnKind.UNLEARN_KIND_CLASS).build(),
        0);
    assertEquals(1, merging.combine(queue.job("a"), List.of(queue.job("b")), stored("a").work()).others().size());
  }

  /** Of two jobs that wait, a before b. */
  private Merging merging(UnlearnSpec spec, int images) throws IOException {
    JobStore store = new JobStore(database);
    for (String id : List.of("a", "b")) {
      submit(id);
      store.change(id, before -> before.with(before.job().toBuilder().setSpec(spec).setUnlearnImages(images).build()));
      queue.job(id).refresh(stored(id));
    }
    return new Merging(store, key, new MergeRules(true, Map.of()), AUTOMATIC, id -> Optional.of(queue.job(id)));
  }

  @Test
  void imagesWithoutTheirKeyAreNotCarriedOutOnceMore() throws Exception {
    submit("a");
    await(queue.cancel("a", "ann"));
    new JobStore(database).change("a", before -> before.with(before.job().toBuilder().setUnlearnImages(1)
        .setSpec(before.job().getSpec().toBuilder().setKeepPictures(true)).build()));
    new JobStore(database).cleaned("a", Instant.now(), true);
    Path image = folders.of("a").path().resolve("unlearn/0000.png.sealed");
    Files.createDirectories(image.getParent());
    Files.writeString(image, "sealed");
    assertTrue(assertThrows(Precondition.class, () -> queue.retry("a", "ann")).getMessage().contains("are deleted"));
    new JobStore(database).change("a", before -> new JobRecord(before.job(), before.work(), before.intent(),
        before.request(), "sealed"));
    new JobStore(database).cleaned("a", Instant.now(), true);
    Files.delete(image);
    // Some of them: the next run would unlearn fewer than it says.
    assertThrows(Precondition.class, () -> queue.retry("a", "ann"));
    Files.writeString(image, "sealed");
    assertEquals(JobPhase.JOB_PHASE_QUEUED, queue.retry("a", "ann").getPhase());
  }

  @Test
  void aModelThatDoesNotLoadIsNotInTheWayOfJobsOfOthers() throws Exception {
    TinyBundles.unconditional(root.resolve("models"), "plain", "v1");
    await(registry.load("plain"));
    Files.writeString(Files.createDirectories(root.resolve("state/plain")).resolve("active"), "v9");
    assertThrows(ExecutionException.class, () -> await(registry.follow()));
    await(registry.follow("tiny"));
    assertThrows(ExecutionException.class, () -> await(registry.follow("plain")));
  }

  /** Whoever looks at versions and log meanwhile sees one before the other. */
  @Test
  void whatIsJustBeingPromotedHolds() throws Exception {
    certifiable("a");
    List<String> told = new CopyOnWriteArrayList<>();
    AtomicReference<CompletableFuture<Boolean>> holds = new AtomicReference<>();
    meanwhile.set(() -> {
      holds.set(CompletableFuture.supplyAsync(() -> verify("v1-u1", told)));
      while (told.stream().noneMatch(line -> line.startsWith("event log: "))) {
        Thread.onSpinWait();
      }
    });
    queue.approvals().approve("a", "bob", "");
    assertTrue(holds.get().get(60, TimeUnit.SECONDS), told::toString);
    assertTrue(told.toString().contains("certificate and report hold"), told::toString);
  }

  /** It is signed last when it is certified, and first taken back when it was not to be. */
  @Test
  void whatIsJustBeingCertifiedHolds() throws Exception {
    awaiting("a");
    VersionFiles files = registry.store().proof("tiny", "v1-u1");
    files.write(ErasureCertificate.FILE, new byte[0]);
    List<String> told = new CopyOnWriteArrayList<>();
    CompletableFuture<Boolean> holds = CompletableFuture.supplyAsync(() -> verify("v1-u1", told));
    Thread.sleep(1000);
    assertEquals(List.of(), told);
    files.delete(ErasureCertificate.FILE);
    assertTrue(holds.get(60, TimeUnit.SECONDS), told::toString);
  }

  private boolean verify(String version, List<String> told) {
    try {
      return new Verification(TestLives.signatory(root).verificationKey(), told::add).run(new EventLog(database),
          Map.of("tiny/" + version, new Verification.Proof(registry.store().proof("tiny", version),
              registry.store().files("tiny", version), Optional.empty())), Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A job whose candidate is made, and is to be promoted. */
  private Bundle decided(String id) throws Exception {
    submit(id);
    JobDirectory directory = folders.of(id);
    Bundle base = registry.store().versions("tiny").get("v1");
    Bundle candidate = TinyBundles.conditional(root.resolve("made"), "v1-u1", 8);
    Files.move(candidate.directory(), directory.candidate());
    Bundle made = Bundle.seal(directory.candidate(), TinyBundles.card("tiny", "v1-u1", "v1", TinyBundles.CONDITIONAL,
        Map.of()));
    WorkerJob work = WorkerJob.newBuilder().setJobId(id).setBaseBundle(base.directory().toUri().toString())
        .setNewVersion("v1-u1").build();
    new JobStore(database).change(id, before -> new JobRecord(Phases.move(Phases.move(before.job(),
        JobPhase.JOB_PHASE_INVERTING, "server", "there", Instant.now()), JobPhase.JOB_PHASE_CANDIDATE, "worker", "made",
        Instant.now()).toBuilder().setBaseVersion("v1").setNewVersion("v1-u1").build(), work,
        JobRecord.Intent.PROMOTE, before.request(), ""));
    return made;
  }

  @Test
  void aJobWhoseFilesAreGoneSaysSo() throws Exception {
    submit("a");
    new JobStore(database).change("a", before -> before.with(before.job().toBuilder().setUnlearnImages(1).build()));
    FileTrees.delete(folders.of("a").path());
    queue.recover(true);
    Until.holds(() -> queue.job("a").job().hasEnded());
    String message = queue.job("a").job().getMessage();
    assertTrue(message.startsWith("the job needs ") && message.endsWith(", and there is no such file"), message);
  }

  @Test
  void aCandidateThatIsNowhereFailsTheJobInWords() throws Exception {
    submit("a");
    new JobStore(database).change("a", before -> new JobRecord(Phases.move(Phases.move(before.job(),
        JobPhase.JOB_PHASE_INVERTING, "server", "there", Instant.now()), JobPhase.JOB_PHASE_CANDIDATE, "worker", "made",
        Instant.now()).toBuilder().setBaseVersion("v1").setNewVersion("v1-u1").build(), before.work(),
        JobRecord.Intent.PROMOTE, before.request(), ""));
    queue.recover(true);
    Until.holds(() -> queue.job("a").job().hasEnded());
    assertTrue(queue.job("a").job().getMessage().startsWith("the worker left no candidate"),
        queue.job("a").job().getMessage());
  }
}
