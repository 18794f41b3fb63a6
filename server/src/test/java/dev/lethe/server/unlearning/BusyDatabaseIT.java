package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.CancelJobRequest;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.RejectJobRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A database that does not take what a promotion writes down. */
@Timeout(300)
class BusyDatabaseIT {

  /** For as long as the trigger is there, no promotion can be written down; all else can. */
  private static final String REFUSE = "create trigger refuse before insert on events when new.kind = 'promoted'"
      + " begin select raise(abort, 'not now'); end";
  private static final String ALLOW = "drop trigger refuse";

  @TempDir
  Path root;

  private ServerFixture server;

  @BeforeEach
  void prepare() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
  }

  private void start(Map<String, String> more) throws IOException {
    server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble()), more);
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
  }

  private Connection connect() throws SQLException {
    return DriverManager.getConnection(DatabaseUrl.sqlite(root.resolve("jobs/lethe.db")).text());
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = connect(); Statement statement = connection.createStatement()) {
      statement.execute("pragma busy_timeout = 60000");
      statement.execute(sql);
    }
  }

  private String serves() {
    return server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion();
  }

  private Job job(String id) {
    return server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(id).build());
  }

  private static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, refusal.getStatus().getCode(), refusal.getMessage());
    return refusal;
  }

  @Test
  void whatWasNotPromotedAndThenRejectedIsNotServedAfterARestart() throws Exception {
    start(Map.of("approval", "operator"));
    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, job.getPhase(), job.getMessage());
    StatusRuntimeException late = refused(Code.FAILED_PRECONDITION, () -> server.unlearning().cancelJob(
        CancelJobRequest.newBuilder().setJobId(job.getId()).build()));
    assertTrue(late.getMessage().contains("awaits approval; reject it instead"), late.getMessage());

    execute(REFUSE);
    Path certificate = root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.FILE);
    ApproveJobRequest approval = ApproveJobRequest.newBuilder().setJobId(job.getId()).build();
    StatusRuntimeException failed = assertThrows(StatusRuntimeException.class,
        () -> server.unlearning().approveJob(approval));
    assertTrue(failed.getMessage().contains("the database refused"), failed.getMessage());
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, job(job.getId()).getPhase());
    assertFalse(Files.exists(certificate), "it is certified");
    execute(ALLOW);
    server.unlearning().rejectJob(RejectJobRequest.newBuilder().setJobId(job.getId()).build());
    stop();
    start(Map.of());
    assertEquals("v1", serves());
    assertEquals(JobPhase.JOB_PHASE_REJECTED, job(job.getId()).getPhase());
  }

  /** As where a server was killed on the way, and its job ended otherwise. */
  @Test
  void aCertificateOfNoPromotionPromotesNothingAtTheStart() throws Exception {
    start(Map.of());
    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
    assertTrue(job.getPromoted(), job.getMessage());
    stop();
    execute("delete from events where kind = 'promoted'");
    Files.writeString(root.resolve("state/tiny/active"), "v1\n");
    start(Map.of());
    assertEquals("v1", serves());
    // It is one that can be promoted as any other.
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    stop();
    start(Map.of());
    assertEquals("v1-u1", serves());
  }

  @Test
  void aJobWaitsUntilItsPromotionCanBeWrittenDown() throws Exception {
    start(Map.of());
    execute(REFUSE);
    Job job = Submission.send(server.channel(), Submission.of(TestErasures.ofClass("tiny", "seven").build())).join();
    Until.holds(() -> Files.exists(root.resolve("state/tiny/v1-u1")));
    Thread.sleep(1000);
    assertEquals(JobPhase.JOB_PHASE_CANDIDATE, job(job.getId()).getPhase(), job(job.getId()).getMessage());
    assertEquals("v1", serves());
    execute(ALLOW);
    Until.holds(() -> job(job.getId()).getPhase() == JobPhase.JOB_PHASE_PROMOTED);
    assertEquals("v1-u1", serves());
    assertTrue(Files.exists(root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.FILE)));
  }

  @Test
  void whoActivatesIsToldThatTheDatabaseIsBusy() throws Exception {
    start(Map.of());
    TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").setKeepAsCandidate(true).build());
    ActivateRequest activation = ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build();
    try (Connection other = connect(); Statement statement = other.createStatement()) {
      statement.execute("pragma busy_timeout = 60000");
      statement.execute("begin immediate");
      StatusRuntimeException busy = refused(Code.UNAVAILABLE, () -> server.models().activate(activation));
      assertTrue(busy.getMessage().contains("the database cannot be reached"), busy.getMessage());
      assertEquals("v1", serves());
    }
    server.models().activate(activation);
    assertEquals("v1-u1", serves());
  }

  /** Then the version does not serve either, and both follow without a restart. */
  @Test
  void anApprovalWhoseEndCannotBeWrittenDownIsFinishedLater() throws Exception {
    start(Map.of("approval", "operator"));
    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
    execute("create trigger refuse before update on jobs when new.phase = 'JOB_PHASE_PROMOTED'"
        + " begin select raise(abort, 'not now'); end");
    assertThrows(StatusRuntimeException.class, () -> server.unlearning().approveJob(
        ApproveJobRequest.newBuilder().setJobId(job.getId()).build()));
    assertEquals("v1", serves());
    assertEquals(JobPhase.JOB_PHASE_AWAITING_APPROVAL, job(job.getId()).getPhase());
    execute(ALLOW);
    Until.holds(() -> job(job.getId()).getPhase() == JobPhase.JOB_PHASE_PROMOTED);
    Until.holds(() -> serves().equals("v1-u1"));
  }

  @Test
  void aVersionThatWasActivatedByHandIsNotRejectedAndItsApprovalIsRecorded() throws Exception {
    start(Map.of("approval", "operator"));
    Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
    server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion("v1-u1").build());
    StatusRuntimeException refusal = refused(Code.FAILED_PRECONDITION, () -> server.unlearning().rejectJob(
        RejectJobRequest.newBuilder().setJobId(job.getId()).build()));
    assertTrue(refusal.getMessage().contains("v1-u1 is no candidate any more"), refusal.getMessage());
    server.unlearning().approveJob(ApproveJobRequest.newBuilder().setJobId(job.getId()).build());
    assertEquals(JobPhase.JOB_PHASE_PROMOTED, job(job.getId()).getPhase());
    assertEquals("v1-u1", serves());
  }
}
