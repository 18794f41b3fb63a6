package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.ListenableFuture;
import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.server.store.TestDatabases;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GetCardRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.UnlearningServiceGrpc;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/**
 * A database that is gone while a job runs, and comes back: as PostgreSQL stopped, behind a relay that this test cuts.
 */
@EnabledIfEnvironmentVariable(named = "LETHE_TEST_POSTGRES", matches = ".+")
@Timeout(300)
class DatabaseGoneIT {

  @TempDir
  Path root;

  /** Carries bytes between a port of its own and that of a database, until it is cut. */
  private static final class Relay implements AutoCloseable {

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final String direct;
    private final int to;
    private volatile boolean cut;

    /** @param direct the database's own JDBC URL */
    Relay(String direct) throws IOException {
      this.direct = direct;
      this.to = URI.create(direct.substring("jdbc:".length())).getPort();
      daemon(() -> {
        while (true) {
          Socket client = listening.accept();
          open.add(client);
          if (cut) {
            client.close();
            continue;
          }
          Socket server = new Socket(InetAddress.getLoopbackAddress(), to);
          open.add(server);
          daemon(() -> client.getInputStream().transferTo(server.getOutputStream()));
          daemon(() -> server.getInputStream().transferTo(client.getOutputStream()));
        }
      });
    }

    /** The database by this way. */
    String url() {
      return direct.replace(":" + to + "/", ":" + listening.getLocalPort() + "/");
    }

    interface Work {
      void run() throws IOException;
    }

    private static void daemon(Work work) {
      Thread thread = new Thread(() -> {
        try {
          work.run();
        } catch (IOException e) {
          // Cut, or closed.
        }
      });
      thread.setDaemon(true);
      thread.start();
    }

    void cut(boolean now) throws IOException {
      cut = now;
      if (now) {
        for (Socket socket : open) {
          socket.close();
        }
        open.clear();
      }
    }

    @Override
    public void close() throws IOException {
      cut(true);
      listening.close();
    }
  }

  @Test
  void servingGoesOnAndTheJobWaits() throws Exception {
    String url = TestDatabases.postgresql().orElseThrow().text();
    TinyBundles.smallest(root.resolve("models"), "v1");
    try (Relay relay = new Relay(url);
        ServerFixture server = ServerFixture.start(root, Map.of("database",
            relay.url(), "worker-command",
            ServerFixture.line(new WorkerCommand(List.of("sh", root.resolve("worker.sh").toString())))))) {
      // A worker that waits for a file, and then leaves what is no candidate: its job fails, and that must be written.
      Files.writeString(root.resolve("worker.sh"), "touch " + root.resolve("begun") + "; while [ ! -e "
          + root.resolve("go") + " ]; do sleep 0.05; done; echo '{\"failure\":{\"message\":\"it ends\"}}'; exit 1\n");
      Job job = submit(server, 1);
      Until.holds(() -> Files.exists(root.resolve("begun")));
      relay.cut(true);
      Files.createFile(root.resolve("go"));
      CompletionException refusal = assertThrows(CompletionException.class, () -> submit(server, 2));
      StatusRuntimeException status = assertInstanceOf(StatusRuntimeException.class, refusal.getCause());
      assertEquals(Code.UNAVAILABLE, status.getStatus().getCode(), status.getMessage());
      assertTrue(status.getMessage().contains("database"), status.getMessage());
      assertEquals("v1", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
      nobodyElseWaits(server);
      relay.cut(false);
      Until.holds(() -> {
        try {
          return server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(job.getId()).build()).getPhase()
              == JobPhase.JOB_PHASE_FAILED;
        } catch (StatusRuntimeException e) {
          return false;
        }
      });
      submit(server, 2);
    }
  }

  /** Another server may have begun to carry the job on, in the same folder. */
  @Test
  void aServerThatIsCutOffForLongEndsItsWorker() throws Exception {
    String url = TestDatabases.postgresql().orElseThrow().text();
    TinyBundles.smallest(root.resolve("models"), "v1");
    Path workers = root.resolve("workers");
    Files.writeString(root.resolve("worker.sh"), "echo $$ >> " + workers + "; exec sleep 600\n");
    try (Relay relay = new Relay(url);
        ServerFixture server = ServerFixture.start(root, Map.of("database", relay.url(), "job-heartbeat", "1",
            "worker-command", ServerFixture.line(new WorkerCommand(
                List.of("sh", root.resolve("worker.sh").toString())))))) {
      submit(server, 1);
      Until.holds(() -> Files.exists(workers) && !Files.readAllLines(workers).isEmpty());
      long worker = Long.parseLong(Files.readAllLines(workers).get(0));
      relay.cut(true);
      Until.holds(() -> ProcessHandle.of(worker).isEmpty());
      relay.cut(false);
      // And carries it on, since nobody else did.
      Until.holds(() -> Files.readAllLines(workers).size() == 2);
    }
  }

  /** As where a folder of jobs is mounted on some servers alone: none of them may take a job for failed. */
  @Test
  void aJobWhoseFolderIsNotHereWaits() throws Exception {
    String url = TestDatabases.postgresql().orElseThrow().text();
    TinyBundles.smallest(root.resolve("models"), "v1");
    Files.writeString(root.resolve("worker.sh"), "touch " + root.resolve("begun") + "; while [ ! -e "
        + root.resolve("go") + " ]; do sleep 0.05; done; echo '{\"failure\":{\"message\":\"it ends\"}}'; exit 1\n");
    try (ServerFixture server = ServerFixture.start(root, Map.of("database", url, "worker-command",
        ServerFixture.line(new WorkerCommand(List.of("sh", root.resolve("worker.sh").toString())))))) {
      submit(server, 1);
      Job job = submit(server, 2);
      Until.holds(() -> Files.exists(root.resolve("begun")));
      Path folder = root.resolve("jobs").resolve(job.getId());
      Path away = root.resolve("away");
      Files.move(folder, away);
      Files.createFile(root.resolve("go"));
      Until.holds(() -> job(server, job).getMessage().startsWith("waits: " + folder + " is not there"));
      Files.move(away, folder);
      Until.holds(() -> job(server, job).getPhase() == JobPhase.JOB_PHASE_FAILED);
      assertTrue(job(server, job).getMessage().startsWith("it ends"), job(server, job).getMessage());
    }
  }

  private static Job job(ServerFixture server, Job job) {
    return server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(job.getId()).build());
  }

  /** Whoever looks at jobs waits for the database as long as the server has patience; cards and metrics need none. */
  private static void nobodyElseWaits(ServerFixture server) throws Exception {
    List<ListenableFuture<Job>> looks = IntStream.range(0, 40).mapToObj(i ->
        UnlearningServiceGrpc.newFutureStub(server.channel()).getJob(GetJobRequest.newBuilder().setJobId("job" + i)
            .build())).toList();
    assertEquals(200, server.get("/metrics").statusCode());
    server.models().getCard(GetCardRequest.getDefaultInstance());
    assertTrue(looks.stream().filter(ListenableFuture::isDone).count() < looks.size() / 2);
    looks.forEach(look -> look.cancel(true));
  }

  /** What another server has promoted must not be drawn here for as long as the database is out of reach. */
  @Test
  void whatAnotherServerHasErasedIsNotServedMeanwhile() throws Exception {
    String url = TestDatabases.postgresql().orElseThrow().text();
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (Relay relay = new Relay(url);
        ServerFixture cutOff = ServerFixture.start(root, Map.of("database",
            relay.url()));
        ServerFixture other = ServerFixture.start(root, Map.of("database", url, "worker-command",
            TestErasures.workerDouble()))) {
      relay.cut(true);
      Job job = TestErasures.run(other.channel(), TestErasures.ofClass("tiny", "seven").build());
      assertTrue(job.getPromoted(), job.getMessage());
      Until.holds(() -> cutOff.generation().generate(GenerateRequest.getDefaultInstance()).getVersion()
          .equals("v1-u1"));
      StatusRuntimeException refusal = assertThrows(StatusRuntimeException.class, () -> cutOff.generation().generate(
          GenerateRequest.newBuilder().setVersion("v1").setLabel("seven").build()));
      assertEquals(Code.FAILED_PRECONDITION, refusal.getStatus().getCode(), refusal.getMessage());
      relay.cut(false);
    }
  }

  /** As where the choice of a version could not be written down, or its file comes from a backup. */
  @Test
  void anOlderChoiceIsNotFollowedMeanwhile() throws Exception {
    String url = TestDatabases.postgresql().orElseThrow().text();
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    try (Relay relay = new Relay(url);
        ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble(),
            "database", relay.url()))) {
      assertTrue(TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build()).getPromoted());
      Path choice = root.resolve("state/tiny/active");
      byte[] older = Files.readAllBytes(choice);
      assertTrue(TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "three").build()).getPromoted());
      relay.cut(true);
      Files.write(choice, older);
      // Several looks.
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
      while (System.nanoTime() < end) {
        assertEquals("v1-u2", server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion());
        Thread.sleep(100);
      }
      relay.cut(false);
    }
  }

  private static Job submit(ServerFixture server, long seed) {
    return Submission.send(server.channel(), Submission.of(UnlearnSpec.getDefaultInstance()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, Submission.labelled(Submission.pixels(seed), "one")))
        .orTimeout(60, TimeUnit.SECONDS).join();
  }
}
