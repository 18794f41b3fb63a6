package dev.lethe.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.protobuf.ByteString;
import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.files.FileTrees;
import dev.lethe.models.image.ImageEncoder;
import dev.lethe.server.erasure.ErasureCertificate;
import dev.lethe.server.provenance.ModelSignature;
import dev.lethe.server.provenance.SignedStatement;
import dev.lethe.server.provenance.VerificationKey;
import dev.lethe.server.unlearning.TestErasures;
import dev.lethe.server.unlearning.WorkerDouble;
import dev.lethe.v1.ActivateRequest;
import dev.lethe.v1.ApproveJobRequest;
import dev.lethe.v1.Image;
import dev.lethe.v1.Job;
import dev.lethe.v1.LabelledImage;
import dev.lethe.v1.PurgeRequest;
import dev.lethe.v1.RetireRequest;
import dev.lethe.v1.UnlearnMode;
import dev.lethe.v1.UnlearnSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code lethe audit verify} over what a real server has left, as it is and tampered with. */
@Timeout(300)
class AuditIT {

  private static final JsonMapper JSON = new JsonMapper();

  @TempDir
  Path root;

  private Path version;

  private record Run(int status, String out) {}

  private Run verify(String... more) {
    return audit("verify", more);
  }

  private Run audit(String command, String... more) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      String[] arguments = {command, "--models", root.resolve("models").toString(), "--state",
          root.resolve("state").toString(), "--jobs", root.resolve("jobs").toString()};
      String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
      System.arraycopy(more, 0, all, arguments.length, more.length);
      int status = AuditCommand.commandLine().execute(all);
      return new Run(status, out.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(before);
    }
  }

  private void fault(String... words) {
    Run run = verify();
    assertEquals(1, run.status(), run.out());
    for (String word : words) {
      assertTrue(run.out().lines().anyMatch(line -> line.startsWith("FAULT ") && line.contains(word)),
          word + " in " + run.out());
    }
  }

  private void change(String file) throws IOException {
    byte[] bytes = Files.readAllBytes(version.resolve(file));
    // Another letter, so that what is in base64 stays so: it is the signature that has to notice.
    bytes[bytes.length / 2] = (byte) (bytes[bytes.length / 2] == 'A' ? 'B' : 'A');
    Files.write(version.resolve(file), bytes);
  }

  /** Changes a file, expects the fault, and puts the file back. */
  private void faultOf(String file, String word) throws IOException {
    Path kept = Files.copy(version.resolve(file), root.resolve("kept"), StandardCopyOption.REPLACE_EXISTING);
    change(file);
    fault("tiny/v1-u1: ", file, word);
    Files.copy(kept, version.resolve(file), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Changes the log as somebody with the database would, expects the fault, and puts the log back. */
  private void faultOf(String sql, long line, String word) throws Exception {
    Path database = root.resolve("jobs/lethe.db");
    Path kept = Files.copy(database, root.resolve("kept.db"), StandardCopyOption.REPLACE_EXISTING);
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      for (String one : sql.split(";")) {
        statement.executeUpdate(one);
      }
    }
    fault("event log: line", " " + line + " ", word);
    Files.deleteIfExists(root.resolve("jobs/lethe.db-wal"));
    Files.deleteIfExists(root.resolve("jobs/lethe.db-shm"));
    Files.copy(kept, database, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void findsWhateverWasTamperedWith() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Job job;
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble()))) {
      job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
      assertTrue(job.getPromoted(), job.getMessage());
      // Beside a server that runs.
      assertEquals(0, verify().status());
    }
    version = root.resolve("state/tiny/v1-u1");
    // SQLite's journal is in the file itself from here on, so that the file alone can be kept and put back.
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("pragma journal_mode = delete");
    }
    Run whole = verify();
    assertEquals(0, whole.status(), whole.out());
    assertTrue(whole.out().contains("tiny/v1-u1: signature and ") && whole.out().contains(job.getId())
        && whole.out().contains("PASSED"), whole.out());
    JsonNode result = JSON.readTree(verify("-o", "json").out());
    assertTrue(result.get("holds").asBoolean() && result.get("checks").size() > 1, result::toString);
    result.get("checks").forEach(check -> assertTrue(check.get("holds").asBoolean(), check::toString));
    assertEquals("", verify("-o", "name").out());
    String log = audit("log", "-o", "json").out();
    JsonNode first = JSON.readTree(log.lines().findFirst().orElseThrow());
    assertEquals(List.of("number", "hash", "line"), first.properties().stream().map(Map.Entry::getKey).toList());
    assertEquals(log, audit("log").out());
    assertEquals(log.lines().count(), audit("log", "-o", "table").out().lines().count());
    assertEquals(first.get("hash").asText(), audit("log", "-o", "name").out().lines().findFirst().orElseThrow());

    byte[] synthesis = Files.readAllBytes(version.resolve(Bundle.SYNTHESIS));
    change(Bundle.SYNTHESIS);
    JsonNode faulty = JSON.readTree(verify("-o", "json").out());
    assertFalse(faulty.get("holds").asBoolean(), faulty::toString);
    String fault = StreamSupport.stream(faulty.get("checks").spliterator(), false)
        .filter(check -> !check.get("holds").asBoolean()).findFirst().orElseThrow().get("what").asText();
    assertTrue(fault.startsWith("tiny/v1-u1: "), fault);
    assertTrue(verify("-o", "name").out().lines().toList().contains(fault));
    Files.write(version.resolve(Bundle.SYNTHESIS), synthesis);
    faultOf(Bundle.SYNTHESIS, "was changed");
    faultOf(ErasureCertificate.REPORT, "was changed");
    faultOf(ErasureCertificate.FILE, "was changed");
    faultOf(ModelSignature.FILE, "was changed");
    Files.move(version.resolve(ErasureCertificate.FILE), root.resolve("away"));
    fault(ErasureCertificate.FILE + " is missing");
    Files.move(root.resolve("away"), version.resolve(ErasureCertificate.FILE));

    byte[] card = Files.readAllBytes(version.resolve(Bundle.CARD));
    Files.writeString(version.resolve(Bundle.CARD), "no card");
    fault("tiny/v1-u1: ", Bundle.CARD + " was changed");
    Files.delete(version.resolve(Bundle.CARD));
    fault("tiny/v1-u1: ", Bundle.CARD + " is missing");
    Files.write(version.resolve(Bundle.CARD), card);
    for (String file : List.of(ErasureCertificate.FILE, ModelSignature.FILE)) {
      Files.move(version.resolve(file), root.resolve("away-" + file));
    }
    fault("tiny/v1-u1: the event log tells that it was promoted", job.getId(), ModelSignature.FILE + " is missing");
    for (String file : List.of(ErasureCertificate.FILE, ModelSignature.FILE)) {
      Files.move(root.resolve("away-" + file), version.resolve(file));
    }
    faultOf("update events set kind = 'call' where number = 1", 1, "filed under another kind");

    faultOf("update events set line = replace(line, 'tiny', 'tony') where number = 2", 2, "was changed");
    faultOf("delete from events where number = 2", 2, "is missing");
    faultOf("delete from events where number = 2; update events set number = number - 1 where number = 3;"
        + " update events set number = number - 1 where number = 4; update events set number = number - 1 where number"
        + " = 5", 2, "was dropped");
    faultOf("update events set number = 100 where number = 2; update events set number = 2 where number = 3;"
        + " update events set number = 3 where number = 100", 2, "have changed places");
    faultOf("update events set number = 6 where number = 5; update events set number = 5 where number = 4;"
        + " update events set number = 4 where number = 3;"
        + " update events set number = 3 where number = 2; insert into events select 2, kind, hash, line from events"
        + " where number = 5", 2, "stands where line 2 was");
    faultOf("delete from events where number > 1", 2, "a certificate was issued after");
    assertEquals(0, verify().status());

    // Another key, and nothing there at all.
    try (ServerFixture other = ServerFixture.start(Files.createDirectories(root.resolve("other")), Map.of("models",
        root.resolve("models").toString()))) {
      assertTrue(other.port() > 0);
    }
    Run another = verify("--public-key", root.resolve("other/jobs/signing.pem.pub").toString());
    assertEquals(1, another.status());
    assertTrue(another.out().contains("signed by another key"), another.out());
    Files.delete(root.resolve("jobs/lethe.db"));
    assertEquals(1, verify().status());
    assertTrue(!Files.exists(root.resolve("jobs/lethe.db")), "looking makes no database");
  }

  /** Three, which are files 0.png to 2.png, too. */
  private List<LabelledImage> images() throws IOException {
    List<LabelledImage> images = new ArrayList<>();
    for (int image = 0; image < 3; image++) {
      byte[] pixels = new byte[32 * 32];
      new Random(image).nextBytes(pixels);
      byte[] png = ImageEncoder.png(pixels, 1, 32, 32);
      Files.write(root.resolve(image + ".png"), png);
      images.add(LabelledImage.newBuilder().setImage(Image.newBuilder().setData(ByteString.copyFrom(png)))
          .setLabel("three").build());
    }
    return images;
  }

  @Test
  void whoHasAnImageIsToldWhetherItWasToBeUnlearned() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    List<LabelledImage> images = images();
    Job job;
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble()))) {
      job = TestErasures.run(server.channel(), UnlearnSpec.newBuilder().setModel("tiny").setKeepAsCandidate(true)
          .setMode(UnlearnMode.UNLEARN_MODE_ZERO_SHOT).build(), images.get(0), images.get(1));
      assertTrue(job.hasReport(), job.getMessage());
    }
    String[] files = {root.resolve("0.png").toString(), root.resolve("1.png").toString(),
        root.resolve("2.png").toString()};
    Run all = audit("images", job.getId(), files[0], files[1]);
    assertEquals(0, all.status(), all.out());
    // It was kept as a candidate: that must not pass for an erasure.
    assertTrue(all.out().contains("no version that serves was made without them"), all.out());
    Run some = audit("images", job.getId(), files[1], files[2], root.resolve("nothing.png").toString(), "-o", "json");
    assertEquals(1, some.status());
    JsonNode told = JSON.readTree(some.out());
    assertFalse(told.get("promoted").asBoolean());
    assertEquals("candidate", told.get("phase").asText());
    assertEquals(files[1], told.get("images").get(0).get("file").asText());
    assertTrue(told.get("images").get(0).get("committed").asBoolean());
    assertFalse(told.get("images").get(1).get("committed").asBoolean());
    assertEquals("there is no such file", told.get("images").get(2).get("error").asText());
    assertEquals(files[1], audit("images", job.getId(), files[1], files[2], "-o", "name").out().strip());
    assertEquals(1, audit("images", "nothing", files[0]).status());
    assertEquals(1, audit("images", job.getId(), root.resolve("jobs/lethe.db").toString()).status());
  }

  /** Of what the model could not draw, nothing was unlearned: no certificate may say that it was. */
  @Test
  void anImageThatTheRunLeftOutIsNotCertified() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    List<LabelledImage> images = images();
    Job job;
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble()))) {
      job = TestErasures.run(server.channel(), UnlearnSpec.newBuilder().setModel("tiny")
          .setSeed(WorkerDouble.LEAVES_OUT_THE_FIRST).setMode(UnlearnMode.UNLEARN_MODE_ZERO_SHOT).build(),
          images.toArray(LabelledImage[]::new));
      assertTrue(job.getPromoted(), job.getMessage());
    }
    JsonNode certificate = SignedStatement.read(root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.FILE),
        VerificationKey.read(root.resolve("jobs/signing.pem.pub"))).statement().predicate();
    assertEquals(2, certificate.path("erasure").path("images").asInt());
    assertEquals(1, certificate.path("erasure").path("leftOut").asInt());
    assertEquals(2, certificate.path("commitments").path("sha256").size());
    Run run = audit("images", job.getId(), root.resolve("0.png").toString(), root.resolve("1.png").toString());
    assertTrue(run.out().contains("0.png: was among the images of job " + job.getId() + ", which left it out"),
        run.out());
    assertTrue(run.out().contains("version v1-u1 of tiny was made without them"), run.out());
    assertEquals(0, verify().status());
  }

  /** Nobody has signed what lies beside a candidate that waits. */
  @Test
  void aVersionWithoutTheCertificateOfItsJobIsFound() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    Path report = root.resolve("state/tiny/v1-u1").resolve(ErasureCertificate.REPORT);
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble(),
        "approval", "operator"))) {
      Job job = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build());
      Files.writeString(report, Files.readString(report).replace("\"anonymous\"", "\"somebody\""));
      server.unlearning().approveJob(ApproveJobRequest.newBuilder().setJobId(job.getId()).build());
      fault("tiny/v1-u1: its certificate tells of another request than the event log's line of job " + job.getId());
      Job next = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "three").build());
      Files.delete(root.resolve("state/tiny/v1-u2").resolve(ErasureCertificate.REPORT));
      server.unlearning().approveJob(ApproveJobRequest.newBuilder().setJobId(next.getId()).build());
      fault("tiny/v1-u2: the event log tells that job " + next.getId() + " has made it, and there is no certificate");
    }
  }

  @Test
  void aReportThatWasChangedInTheDatabaseIsFound() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    String promoted;
    String kept;
    try (ServerFixture server = ServerFixture.start(root, Map.of("worker-command", TestErasures.workerDouble()))) {
      promoted = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "seven").build()).getId();
      kept = TestErasures.run(server.channel(), TestErasures.ofClass("tiny", "three").setKeepAsCandidate(true).build())
          .getId();
    }
    Run whole = verify();
    assertEquals(0, whole.status(), whole.out());
    assertTrue(whole.out().contains("reports in the database: 2 of 2 are held"), whole.out());
    for (String job : List.of(promoted, kept)) {
      for (List<String> change : List.of(List.of("\"forgotten\"", "\"not forgotten\""),
          List.of("\"report\":", "\"reported\":"))) {
        change(job, change.get(0), change.get(1));
        fault("job " + job + ": its report in the database is not the one that the event log tells of");
        change(job, change.get(1), change.get(0));
      }
    }
    assertEquals(0, verify().status());
    // By its column it waits, and has no report yet.
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        Statement statement = connection.createStatement()) {
      statement.executeUpdate("update jobs set state = 'JOB_STATE_QUEUED'");
    }
    fault("job " + kept + ": a column of its row");
  }

  private void change(String job, String from, String to) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + root.resolve("jobs/lethe.db"));
        PreparedStatement update = connection.prepareStatement(
            "update jobs set job = replace(job, ?, ?) where id = ?")) {
      update.setString(1, from);
      update.setString(2, to);
      update.setString(3, job);
      assertEquals(1, update.executeUpdate());
    }
  }

  @Test
  void whatTheLogTellsOfAVersionIsThere() throws Exception {
    TinyBundles.conditional(root.resolve("models"), "v1", 7);
    TinyBundles.conditional(root.resolve("models"), "v2", 8);
    try (ServerFixture server = ServerFixture.start(root)) {
      for (String name : List.of("v1", "v2")) {
        server.models().activate(ActivateRequest.newBuilder().setModel("tiny").setVersion(name).build());
      }
      server.models().retire(RetireRequest.newBuilder().setModel("tiny").setVersion("v1").setReason("old").build());
    }
    Path broken = TinyBundles.conditional(root.resolve("models"), "v0", 9).directory();
    assertEquals(0, verify().status(), verify().out());
    Files.writeString(broken.resolve(Bundle.CARD), "no card");
    fault("tiny/v0: ", Bundle.CARD + " is not a model card");
    Files.delete(broken.resolve(Bundle.CARD));
    fault("tiny/v0: ", Bundle.CARD + " is missing");
    FileTrees.delete(broken);

    Path signature = root.resolve("state/tiny/v2").resolve(ModelSignature.FILE);
    Files.move(signature, root.resolve("away"));
    fault("tiny/v2: the event log tells that it was activated", ModelSignature.FILE + " is missing");
    Files.move(root.resolve("away"), signature);

    // A shipped version is deleted by hand; an order to purge it writes that down.
    FileTrees.delete(root.resolve("models/tiny/v1"));
    fault("tiny/v1: ", "is missing");
    try (ServerFixture server = ServerFixture.start(root)) {
      server.models().purge(PurgeRequest.newBuilder().setModel("tiny").setVersion("v1").build());
    }
    Run run = verify();
    assertEquals(0, run.status(), run.out());
    assertTrue(run.out().contains("tiny/v1: its files are deleted; signature holds"), run.out());
    FileTrees.delete(root.resolve("models/tiny/v2"));
    FileTrees.delete(root.resolve("state/tiny/v2"));
    fault("tiny/v2: the event log tells that it was activated, and there is nothing of that version");
  }
}
