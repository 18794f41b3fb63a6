package dev.lethe.server.unlearning;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.files.FileTrees;
import dev.lethe.server.Breakpoint;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.TestDatabases;
import dev.lethe.server.unlearning.FaultRound.Promotion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills at random moments, of a server's process, a worker's and both, while jobs are submitted, carried out, approved
 * and rejected, and at each step of a take-over and of an approval. Nothing that was accepted may be lost, promoted
 * twice or left behind, and what an operator was told must hold.
 *
 * <p>System properties say how much: {@code lethe.faults.kills} on each database, by default a few; {@code
 * lethe.faults.seed}; {@code lethe.faults.worker}, the command of a real worker, without which a script stands in for
 * it; {@code lethe.faults.results}, a file that rounds are written to, and those that it has are not run again. {@code
 * scripts/check-faults} sets them.
 */
class FaultIT {

  private static final int KILLS = Integer.getInteger("lethe.faults.kills", 6);
  private static final long SEED = Long.getLong("lethe.faults.seed", System.nanoTime());
  private static final FaultRound.Jobs JOBS = System.getProperty("lethe.faults.worker") == null
      ? FaultRound.Jobs.PROTOCOL : FaultRound.Jobs.REAL;
  private static final Optional<Path> RESULTS = Optional.ofNullable(System.getProperty("lethe.faults.results"))
      .map(Path::of);
  /** Kills that one folder has to go through. */
  private static final int OF_A_ROUND = 10;
  private static final int AT_ONCE = 2;

  /** Where a server is held and killed, from the end of a worker's work to the end of its job. */
  private static final List<List<String>> STEPS = List.of(
      List.of("the decision is not written yet", "unlearning.TakeOver", "decide"),
      List.of("the decision is written", "unlearning.TakeOver", "install"),
      List.of("the report is not in the candidate", "unlearning.JobDirectory", "keepReport"),
      List.of("the candidate is not tried", "registry.ServedModel", "install"),
      List.of("the candidate is tried, and not moved", "modelstore.DiskModelStore", "install"),
      List.of("the version is in place", "registry.Succession", "choose"),
      List.of("the certificate is not made", "lifecycle.Signatory", "certify"),
      List.of("the version is not signed", "lifecycle.Signatory", "sign"),
      List.of("the promotion is not recorded", "lifecycle.Lifecycle", "record"),
      List.of("the promotion is recorded, and the choice not written", "modelstore.DiskModelStore", "choose"),
      List.of("the choice is written, and nothing switched", "registry.ServedModel", "serve"),
      List.of("the version serves, and the images are there", "unlearning.Cleaning", "clean"),
      List.of("the images are gone, and the end is not written", "unlearning.TakeOver", "promoted"),
      List.of("the end is written, and not in the event log", "audit.AuditLog", "ended"));
  /** Where a server is held and killed that an operator has told to promote a candidate. */
  private static final List<List<String>> APPROVED_STEPS = List.of(
      List.of("the approval is written", "unlearning.Approvals", "finishApproved"),
      List.of("the approved version is in place", "registry.Succession", "choose"),
      List.of("its certificate is made, and nothing recorded", "lifecycle.Lifecycle", "record"),
      List.of("the end is recorded, and the choice not written", "modelstore.DiskModelStore", "choose"),
      List.of("the choice is written, and nothing switched to it", "registry.ServedModel", "serve"));
  private static final int LONGEST_WAY_S = 120;

  @TempDir
  Path root;

  @TestFactory
  Stream<DynamicTest> nothingThatWasAcceptedIsLost() {
    return TestDatabases.all(root).map(DatabaseUrl::isShared).flatMap(shared -> Stream.of(Promotion.values())
        .map(promotion -> DynamicTest.dynamicTest((shared ? "PostgreSQL" : "SQLite") + ", " + promotion + ", seed "
            + SEED + ", kills " + KILLS / 2, () -> rounds(shared, promotion))));
  }

  private void rounds(boolean shared, Promotion promotion) throws Exception {
    int kills = KILLS / 2;
    for (int done = 0, number = 0; done < kills; done += OF_A_ROUND, number++) {
      long seed = SEED + number;
      if (isDone(shared, promotion, seed)) {
        continue;
      }
      Path at = root.resolve((shared ? "postgresql-" : "sqlite-") + promotion + "-" + number);
      DatabaseUrl url = shared ? TestDatabases.postgresql().orElseThrow()
          : DatabaseUrl.sqlite(Files.createDirectories(at).resolve("test.db"));
      long started = System.nanoTime();
      try (FaultRound round = new FaultRound(at, url, JOBS, promotion)) {
        round.start();
        round.strike(Math.min(OF_A_ROUND, kills - done), AT_ONCE, new Random(seed));
        round.check();
        write(round.line(seed, (System.nanoTime() - started) / 1e9));
      }
      FileTrees.delete(at);
    }
  }

  private static boolean isDone(boolean shared, Promotion promotion, long seed) throws IOException {
    if (RESULTS.isEmpty() || Files.notExists(RESULTS.get())) {
      return false;
    }
    String start = String.join("\t", shared ? "PostgreSQL" : "SQLite", JOBS.name(), promotion.name(),
        Long.toString(seed)) + "\t";
    return Files.readAllLines(RESULTS.get()).stream().anyMatch(line -> line.startsWith(start));
  }

  private static void write(String line) throws IOException {
    System.out.println("faults: " + line);
    if (RESULTS.isPresent()) {
      Files.writeString(RESULTS.get(), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  @TestFactory
  Stream<DynamicTest> aServerThatEndsAtAStepOfATakeOverGoesOnFromThere() throws IOException {
    return steps(Promotion.GATES, STEPS, round -> { });
  }

  @TestFactory
  Stream<DynamicTest> aServerThatEndsAtAStepOfAnApprovalGoesOnFromThere() throws IOException {
    return steps(Promotion.OPERATORS, APPROVED_STEPS, FaultRound::approve);
  }

  /** What an operator does once there is a job. */
  private interface Order {
    void give(FaultRound round) throws Exception;
  }

  private Stream<DynamicTest> steps(Promotion promotion, List<List<String>> steps, Order order) throws IOException {
    Path at = root.resolve("steps");
    FaultRound round = new FaultRound(at, DatabaseUrl.sqlite(Files.createDirectories(at).resolve("test.db")),
        FaultRound.Jobs.PROTOCOL, promotion);
    int port = Breakpoint.freePort();
    round.start(Breakpoint.option(port));
    Stream<DynamicTest> tests = steps.stream().map(step -> DynamicTest.dynamicTest(step.get(0), () -> {
      try (Breakpoint held = Breakpoint.set(port, "dev.lethe.server." + step.get(1), step.get(2))) {
        round.submit();
        order.give(round);
        assertTrue(held.reached(LONGEST_WAY_S), () -> step + " was not reached: " + log(round));
        round.killAndRestart(step.get(0));
      }
      round.checkPromoted();
    }));
    return Stream.concat(tests, Stream.of(DynamicTest.dynamicTest("all of them", () -> {
      round.checkPromoted();
      write(round.line(0, 0));
    }))).onClose(round::close);
  }

  private static String log(FaultRound round) {
    try {
      return Files.readString(round.server().log());
    } catch (IOException e) {
      return e.toString();
    }
  }
}
