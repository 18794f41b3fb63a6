package dev.lethe.server.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.jobs.JobRecord.Intent;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.StoreException;
import dev.lethe.server.store.TestDatabases;
import dev.lethe.v1.Job;
import dev.lethe.v1.JobPhase;
import dev.lethe.v1.JobState;
import dev.lethe.v1.Progress;
import dev.lethe.v1.UnlearnSpec;
import dev.lethe.v1.WorkerJob;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class JobStoreTest {

  @TempDir
  Path root;

  private static final int LIMIT = 100;

  private interface Check {
    void of(JobStore store) throws Exception;
  }

  private Stream<DynamicTest> onAll(Check check) {
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url.toString(), () -> {
      try (Database database = Database.open(url)) {
        check.of(new JobStore(database));
      }
    }));
  }

  private static JobRecord record(String id, String model, long second) {
    return new JobRecord(Phases.accept(Job.newBuilder().setId(id).setSubmittedBy("ann")
        .setSpec(UnlearnSpec.newBuilder().setModel(model).setSeed(second)), "ann", Instant.ofEpochSecond(second)),
        WorkerJob.newBuilder().setJobId(id).build(), Intent.NONE, "digest of " + id, "");
  }

  private static JobRecord moved(JobRecord record, JobPhase to) {
    return record.with(Phases.move(record.job(), to, "server", "because", Instant.ofEpochSecond(99)));
  }

  @TestFactory
  Stream<DynamicTest> whatIsKeptIsFoundAsItWasWithoutProgress() {
    return onAll(store -> {
      JobRecord kept = record("a", "tiny", 1);
      store.insert(kept.with(kept.job().toBuilder().setProgress(Progress.newBuilder().setStep(3)).build()), List.of(),
          LIMIT);
      assertEquals(Optional.of(kept), store.find("a"));
      assertEquals(Optional.empty(), store.find("b"));
      assertEquals(StoreException.Reason.DUPLICATE, assertThrows(StoreException.class,
          () -> store.insert(new JobRecord(kept.job(), kept.work(), kept.intent(), "other", ""), List.of(), LIMIT))
              .reason());
      JobRecord changed = new JobRecord(kept.job(), WorkerJob.newBuilder().setNewVersion("v2").build(), Intent.PROMOTE,
          "digest", "sealed");
      assertEquals(Optional.of(changed), store.change("a", before -> changed));
      assertEquals(Optional.of(changed), store.find("a"));
      assertFalse(store.delete("a"), "it waits");
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertTrue(store.delete("a"));
      assertFalse(store.delete("a"));
    });
  }

  @TestFactory
  Stream<DynamicTest> severalJobsAreChangedTogetherOrNotAtAll() {
    return onAll(store -> {
      store.insert(record("a", "tiny", 1), List.of(), LIMIT);
      store.insert(record("b", "tiny", 2), List.of(), LIMIT);
      Map<String, JobRecord> changed = store.changeAll(List.of("b", "a", "none"), all -> {
        Map<String, JobRecord> cancelled = new HashMap<>();
        all.forEach((id, found) -> cancelled.put(id, moved(found, JobPhase.JOB_PHASE_INVERTING)));
        return cancelled;
      });
      assertEquals(Set.of("a", "b"), changed.keySet());
      assertEquals(changed.get("b"), store.find("b").orElseThrow());
      // The second of them cannot go there.
      store.change("b", before -> moved(before, JobPhase.JOB_PHASE_AUDITING));
      assertThrows(IllegalStateException.class, () -> store.changeAll(List.of("a", "b"), all -> {
        Map<String, JobRecord> moved = new HashMap<>();
        all.forEach((id, found) -> moved.put(id, moved(found, JobPhase.JOB_PHASE_UNLEARNING)));
        return moved;
      }));
      assertEquals(changed.get("a"), store.find("a").orElseThrow());
    });
  }

  @TestFactory
  Stream<DynamicTest> theOldestOfAModelThatHasNotEndedIsFirst() {
    return onAll(store -> {
      store.insert(record("c", "tiny", 2), List.of(), LIMIT);
      store.insert(record("b", "tiny", 1), List.of(), LIMIT);
      store.insert(record("a", "other", 0), List.of(), LIMIT);
      assertEquals(Optional.of("b"), store.first("tiny"));
      assertEquals(List.of("a", "b", "c"), store.open().stream().map(open -> open.job().getId()).toList());
      store.change("b", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertEquals(Optional.of("c"), store.first("tiny"));
      assertEquals(Optional.empty(), store.first("none"));
      assertEquals(Map.of(JobState.JOB_STATE_QUEUED, 2L, JobState.JOB_STATE_CANCELLED, 1L), store.counts());
    });
  }

  /** One that was retried is older than what has begun since: two at once would unlearn from one version. */
  @TestFactory
  Stream<DynamicTest> whatIsAtWorkGoesBeforeWhatIsOlder() {
    return onAll(store -> {
      store.insert(record("a", "tiny", 1), List.of(), LIMIT);
      store.insert(record("b", "tiny", 2), List.of(), LIMIT);
      store.insert(record("c", "other", 0), List.of(), LIMIT);
      store.change("b", before -> moved(before, JobPhase.JOB_PHASE_INVERTING));
      assertEquals(Optional.of("b"), store.first("tiny"));
      assertEquals(1, store.before(store.find("a").orElseThrow().job()));
      IllegalStateException refusal = assertThrows(IllegalStateException.class,
          () -> store.begin("tiny", List.of("a"), JobStoreTest::begun));
      assertEquals("job b of tiny is at work", refusal.getMessage());
      store.begin("other", List.of("c"), JobStoreTest::begun);
      store.change("b", before -> moved(before, JobPhase.JOB_PHASE_CANDIDATE));
      assertThrows(IllegalStateException.class, () -> store.begin("tiny", List.of("a"), JobStoreTest::begun));
      store.change("b", before -> moved(before, JobPhase.JOB_PHASE_AWAITING_APPROVAL));
      assertEquals(Optional.of("a"), store.first("tiny"));
      assertEquals(0, store.before(store.find("a").orElseThrow().job()));
      store.begin("tiny", List.of("a"), JobStoreTest::begun);
      assertEquals(JobPhase.JOB_PHASE_INVERTING, store.find("a").orElseThrow().job().getPhase());
    });
  }

  private static Map<String, JobRecord> begun(Map<String, JobRecord> waiting) {
    return waiting.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey,
        job -> moved(job.getValue(), JobPhase.JOB_PHASE_INVERTING)));
  }

  /** Each sees that nobody is at work, unless one waits for the other. */
  @TestFactory
  Stream<DynamicTest> ofTwoThatBeginAtOnceOneDoes() {
    return onAll(store -> {
      for (int round = 0; round < 10; round++) {
        List<String> both = List.of("a" + round, "b" + round);
        for (String id : both) {
          store.insert(record(id, "tiny", round), List.of(), LIMIT);
        }
        List<CompletableFuture<Boolean>> begun = both.stream().map(id -> CompletableFuture.supplyAsync(() -> {
          try {
            store.begin("tiny", List.of(id), JobStoreTest::begun);
            return true;
          } catch (IllegalStateException e) {
            return false;
          }
        })).toList();
        assertEquals(1, begun.stream().filter(CompletableFuture::join).count());
        for (String id : both) {
          store.change(id, before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
        }
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> whatIsQueuedOnceMoreIsNeitherDeletedNorCleaned() {
    return onAll(store -> {
      store.insert(new JobRecord(record("a", "tiny", 1).job(), WorkerJob.getDefaultInstance(), Intent.NONE, "x",
          "sealed"), List.of(), LIMIT);
      assertFalse(store.isUncleaned("a"));
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertTrue(store.isUncleaned("a"));
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_QUEUED));
      store.cleaned("a", Instant.now(), false);
      assertFalse(store.delete("a"));
      assertEquals("sealed", store.find("a").orElseThrow().sealedKey());
    });
  }

  private static String id(JobRecord record) {
    return record.job().getId();
  }

  @TestFactory
  Stream<DynamicTest> pagesFollowOneAnotherAndHoldWhatIsAskedFor() {
    return onAll(store -> {
      for (int i = 0; i < 10; i++) {
        // Two at a time were submitted in the same moment.
        store.insert(record("j" + i, i % 3 == 0 ? "other" : "tiny", i / 2), List.of(), LIMIT);
      }
      store.change("j4", before -> moved(before, JobPhase.JOB_PHASE_FAILED));
      List<JobRecord> first = store.list("", List.of(), Optional.empty(), 4);
      assertEquals(List.of("j9", "j8", "j7", "j6"), first.stream().map(JobStoreTest::id).toList());
      assertEquals(List.of("j5", "j4", "j3", "j2", "j1", "j0"),
          store.list("", List.of(), Optional.of(first.get(3).job()), 100).stream().map(JobStoreTest::id).toList());
      assertEquals(List.of("j4"),
          store.list("tiny", List.of(JobState.JOB_STATE_FAILED), Optional.empty(), 9).stream().map(JobStoreTest::id)
              .toList());
      assertEquals(List.of("j9", "j6", "j3", "j0"), store.list("other",
          List.of(JobState.JOB_STATE_FAILED, JobState.JOB_STATE_QUEUED), Optional.empty(), 9).stream()
          .map(JobStoreTest::id).toList());
    });
  }

  @TestFactory
  Stream<DynamicTest> changesFollowOneAnother() {
    return onAll(store -> {
      store.insert(record("a", "tiny", 1), List.of(), LIMIT);
      CompletableFuture.allOf(IntStream.range(0, 16).mapToObj(i -> CompletableFuture.runAsync(() ->
          store.change("a", before -> before.with(before.job().toBuilder()
              .setUnlearnImages(before.job().getUnlearnImages() + 1).build()))))
          .toArray(CompletableFuture[]::new)).join();
      assertEquals(16, store.find("a").orElseThrow().job().getUnlearnImages());
      assertThrows(IllegalStateException.class, () -> store.change("a", before -> moved(moved(before,
          JobPhase.JOB_PHASE_CANCELLED), JobPhase.JOB_PHASE_UNLEARNING)));
      assertEquals(JobPhase.JOB_PHASE_QUEUED, store.find("a").orElseThrow().job().getPhase());
    });
  }

  private static JobRecord asking(String id, String client, String key, String request) {
    JobRecord record = record(id, "tiny", 1);
    return new JobRecord(record.job().toBuilder().setSubmittedBy(client)
        .setSpec(record.job().getSpec().toBuilder().setRequestKey(key)).build(), record.work(), Intent.NONE, request,
            "");
  }

  private static String kept(JobStore store, JobRecord record) {
    return store.insert(record, List.of(), LIMIT).orElseThrow().job().getId();
  }

  @TestFactory
  Stream<DynamicTest> whatIsAskedForTwiceIsOneJob() {
    return onAll(store -> {
      assertEquals("a", kept(store, asking("a", "ann", "", "x")));
      assertEquals("a", kept(store, asking("b", "ann", "", "x")));
      assertEquals("c", kept(store, asking("c", "bob", "", "x")));
      assertEquals("d", kept(store, asking("d", "ann", "k", "x")));
      assertEquals("d", kept(store, asking("e", "ann", "k", "y")));
      store.change("d", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertEquals("d", kept(store, asking("e", "ann", "k", "x")));
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertEquals("f", kept(store, asking("f", "ann", "", "x")));
      assertEquals(Optional.empty(), store.insert(asking("g", "ann", "", "z"), List.of(), 2));
      assertEquals(2, store.countOpen());
      // Many at once, too.
      List<String> ids = IntStream.range(0, 12).mapToObj(i -> CompletableFuture.supplyAsync(
          () -> kept(store, asking("h" + i, "eve", "", "x")))).toList().stream().map(CompletableFuture::join).toList();
      assertEquals(1, ids.stream().distinct().count(), ids::toString);
    });
  }

  @Test
  void ofADeletedJobNothingIsLeftInTheFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("lethe.db");
    try (Database database = Database.open(DatabaseUrl.sqlite(file))) {
      JobStore store = new JobStore(database);
      JobRecord record = new JobRecord(record("a", "tiny", 1).job(),
          WorkerJob.newBuilder().addUnlearnNames("ann-smith.png").build(), Intent.NONE, "x", "the-sealed-key");
      store.insert(record, List.of(), LIMIT);
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      database.emptyJournal();
      assertTrue(text(file).contains("ann-smith.png") && text(file).contains("the-sealed-key"));
      assertTrue(store.delete("a"));
      for (Path each : List.of(file, folder.resolve("lethe.db-wal"))) {
        assertFalse(text(each).contains("ann-smith") || text(each).contains("the-sealed-key"), each.toString());
      }
      assertFalse(store.delete("a"));
    }
  }

  private static String text(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.ISO_8859_1);
  }

  @TestFactory
  Stream<DynamicTest> commitmentsStayWhenTheKeyGoes() {
    return onAll(store -> {
      byte[] face = {1, 2, 3};
      JobRecord record = new JobRecord(record("a", "tiny", 1).job(), WorkerJob.getDefaultInstance(), Intent.NONE, "x",
          "sealed");
      store.insert(record, List.of(Commitment.to(face), Commitment.to(new byte[] {4})), LIMIT);
      store.change("a", before -> moved(before, JobPhase.JOB_PHASE_CANCELLED));
      assertEquals(List.of("a"), store.uncleaned().stream().map(ended -> ended.job().getId()).toList());
      store.cleaned("a", Instant.now(), true);
      assertEquals("sealed", store.find("a").orElseThrow().sealedKey());
      store.cleaned("a", Instant.now(), false);
      assertEquals("", store.find("a").orElseThrow().sealedKey());
      assertEquals(List.of(), store.uncleaned());
      List<Commitment> kept = store.commitments("a");
      assertTrue(kept.get(0).holds(face) && !kept.get(1).holds(face));
      assertFalse(Commitment.to(face).equals(Commitment.to(face)), "two salts are the same");
      assertEquals(List.of("a"), store.endedBefore(Instant.ofEpochSecond(100)));
      assertEquals(List.of(), store.endedBefore(Instant.ofEpochSecond(99)));
      store.delete("a");
      assertEquals(List.of(), store.commitments("a"));
    });
  }
}
