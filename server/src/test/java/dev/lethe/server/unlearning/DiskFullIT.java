package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lethe.server.ServerFixture;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.Until;
import dev.lethe.v1.GenerateRequest;
import dev.lethe.v1.GetJobRequest;
import dev.lethe.v1.ImageRole;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.UnlearnSpec;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** File systems of a few megabytes that are full; where none can be mounted, these tests are not run. */
class DiskFullIT {

  @TempDir
  Path root;

  private final List<Path> mounted = new ArrayList<>();
  private ServerFixture server;

  private Path mount(String name, int kilobytes) throws Exception {
    Path at = Files.createDirectories(root.resolve(name));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=" + kilobytes + "k", "lethe-test", at.toString()) == 0,
        "no file system can be mounted here");
    mounted.add(at);
    return at;
  }

  private static int run(String... command) throws Exception {
    try {
      return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      return -1;
    }
  }

  private void start(Map<String, String> more) throws IOException {
    TinyBundles.smallest(root.resolve("models"), "v1");
    Map<String, String> settings = new HashMap<>(more);
    settings.put("worker-command", ServerFixture.line(new WorkerCommand(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-cp",
        System.getProperty("java.class.path"), WorkerDouble.class.getName()))));
    server = ServerFixture.start(root, settings);
  }

  @AfterEach
  void stop() throws Exception {
    if (server != null) {
      server.close();
    }
    for (Path at : mounted) {
      assertEquals(0, run("umount", at.toString()));
    }
  }

  private Job submit(int images) {
    LabelledImage[] all = LongStream.range(0, images).mapToObj(seed ->
        Submission.labelled(Submission.pixels(seed), "one"))
        .toArray(LabelledImage[]::new);
    return Submission.send(server.channel(), Submission.of(UnlearnSpec.getDefaultInstance()),
        Submission.images(ImageRole.IMAGE_ROLE_UNLEARN, all)).orTimeout(60, TimeUnit.SECONDS).join();
  }

  private Job job(String id) {
    return server.unlearning().getJob(GetJobRequest.newBuilder().setJobId(id).build());
  }

  private String serves() {
    return server.generation().generate(GenerateRequest.getDefaultInstance()).getVersion();
  }

  /** Leaves so much of a file system. */
  private static Path fill(Path at, int left) throws IOException {
    Path file = at.resolve("filler");
    try (OutputStream out = Files.newOutputStream(file)) {
      byte[] piece = new byte[4096];
      while (at.toFile().getUsableSpace() > left) {
        out.write(piece);
      }
    }
    return file;
  }

  @Test
  void aSubmissionIsRefusedAndNothingOfItKept() throws Exception {
    Path jobs = mount("jobs", 16 << 10);
    start(Map.of());
    Path filler = fill(jobs, 128 << 10);
    CompletionException failure = assertThrows(CompletionException.class, () -> submit(400));
    StatusRuntimeException refusal = assertInstanceOf(StatusRuntimeException.class, failure.getCause());
    assertEquals(Code.RESOURCE_EXHAUSTED, refusal.getStatus().getCode(), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("no space"), refusal.getMessage());
    assertEquals("v1", serves());
    Until.holds(() -> {
      try (Stream<Path> left = Files.list(jobs)) {
        return left.noneMatch(path -> path.getFileName().toString().startsWith(".upload-"));
      }
    });

    // Not a byte is left: the database cannot take a job either.
    Files.delete(filler);
    Path all = fill(jobs, 0);
    CompletionException none = assertThrows(CompletionException.class, () -> submit(1));
    assertEquals(Code.RESOURCE_EXHAUSTED, ((StatusRuntimeException) none.getCause()).getStatus().getCode(),
        none.getMessage());
    assertEquals("v1", serves());

    Files.delete(all);
    Job job = submit(3);
    Until.holds(() -> job(job.getId()).getPhase() == JobPhase.JOB_PHASE_PROMOTED);
    assertEquals("v1-u1", serves());
  }

  @Test
  void aVersionThatCannotBeStoredWaitsForSpace() throws Exception {
    Path state = mount("state", 1 << 10);
    start(Map.of());
    Job job = submit(1);
    Until.holds(() -> job(job.getId()).getPhase() == JobPhase.JOB_PHASE_CANDIDATE);
    Thread.sleep(1000);
    assertEquals(JobPhase.JOB_PHASE_CANDIDATE, job(job.getId()).getPhase());
    assertEquals("v1", serves());
    try (Stream<Path> files = Files.walk(state)) {
      assertFalse(files.anyMatch(path -> path.endsWith("v1-u1")), "half a version is there");
    }
    assertEquals(0, run("mount", "-o", "remount,size=32m", state.toString()));
    Until.holds(() -> job(job.getId()).getPhase() == JobPhase.JOB_PHASE_PROMOTED);
    assertEquals("v1-u1", serves());
  }
}
