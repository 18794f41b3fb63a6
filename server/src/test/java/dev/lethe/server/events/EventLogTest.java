package dev.lethe.server.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.lethe.server.erasure.Erasure;
import dev.lethe.server.events.EventLog.Entry;
import dev.lethe.server.lifecycle.Ledger;
import dev.lethe.server.lifecycle.LifeEvent;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.store.TestDatabases;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventLogTest {

  @TempDir
  static Path root;

  private static int next;

  static Stream<DatabaseUrl> databases() {
    return TestDatabases.all(root.resolve("db" + next++));
  }

  private static Entry entry(int i) {
    return Entry.now("call", JsonNodeFactory.instance.objectNode().put("i", i));
  }

  private static List<Line> lines(EventLog log) {
    List<Line> lines = new ArrayList<>();
    log.forEach(lines::add);
    return lines;
  }

  private static Optional<Chain.Fault> fault(List<Line> lines) {
    Chain chain = new Chain();
    lines.forEach(chain::next);
    return chain.fault();
  }

  @ParameterizedTest
  @MethodSource("databases")
  void linesFromSeveralServersMakeOneChain(DatabaseUrl url) throws Exception {
    try (Database one = Database.open(url); Database other = Database.open(url)) {
      List<EventLog> logs = List.of(new EventLog(one), new EventLog(other));
      ExecutorService servers = Executors.newFixedThreadPool(2);
      for (EventLog log : logs) {
        servers.execute(() -> IntStream.range(0, 40).forEach(i -> log.append(List.of(entry(i), entry(-i)))));
      }
      servers.shutdown();
      assertTrue(servers.awaitTermination(60, TimeUnit.SECONDS));
      List<Line> lines = lines(logs.get(0));
      assertEquals(160, lines.size());
      assertEquals(Optional.empty(), fault(lines));
      assertEquals(lines.get(159).hash(), logs.get(1).head().orElseThrow().hash());
    }
  }

  /** What was decided by the events until a line; lines of other kinds change nothing about that. */
  @ParameterizedTest
  @MethodSource("databases")
  void whatWasDecidedByOlderEventsIsNotAppended(DatabaseUrl url) throws Exception {
    LifeEvent event = new LifeEvent.Activated("m", "v2", "alice", Instant.EPOCH);
    try (Database one = Database.open(url); Database other = Database.open(url)) {
      LedgerInLog ledger = new LedgerInLog(new EventLog(one));
      Optional<Ledger.Head> seen = ledger.head();
      new EventLog(other).append(List.of(entry(1)));
      ledger.appendAfter(seen, List.of(event), Database.Work.NOTHING);
      assertThrows(Ledger.OutdatedException.class,
          () -> ledger.appendAfter(seen, List.of(event), Database.Work.NOTHING));
      Optional<Ledger.Head> newer = ledger.head();
      // Between the look and the line.
      AtomicInteger attempts = new AtomicInteger();
      assertThrows(Ledger.OutdatedException.class, () -> ledger.appendAfter(newer, List.of(event), connection -> {
        if (url.isShared() && attempts.getAndIncrement() == 0) {
          new LedgerInLog(new EventLog(other)).append(List.of(event));
        } else if (!url.isShared()) {
          // SQLite lets nobody write there.
          throw new Ledger.OutdatedException();
        }
        return null;
      }));
      assertEquals(url.isShared() ? 2 : 1, ledger.events().size());
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void livesComeBackAsTheyWereWritten(DatabaseUrl url) throws IOException {
    Instant time = Instant.parse("2026-11-27T18:00:00.125Z");
    List<LifeEvent> events = List.of(
        new LifeEvent.Promoted(new Erasure("J", "m", "v1-u1", "v1", "class", List.of("7", "8"), 3, time), "alice",
            time),
        new LifeEvent.Activated("m", "v2", "alice", time), new LifeEvent.Overridden("m", "v1", "bob", "why", time),
        new LifeEvent.Retired("m", "v1", "bob", "old", time), new LifeEvent.Purged("m", "v1", "bob", time),
        new LifeEvent.Waived("m", "J", "bob", time));
    try (Database database = Database.open(url)) {
      LedgerInLog ledger = new LedgerInLog(new EventLog(database));
      new EventLog(database).append(List.of(entry(1)));
      ledger.append(List.of(new LifeEvent.Certified("m", "v1-u1", "alice", time)));
      Ledger.Head certified = ledger.head().orElseThrow();
      ledger.append(events);
      assertThrows(IllegalStateException.class, () -> ledger.appendAfter(ledger.head(), events, connection -> {
        throw new IllegalStateException("not now");
      }));
      assertEquals(events, ledger.events());
      assertTrue(ledger.has(certified));
      assertFalse(ledger.has(new Ledger.Head(certified.number() + 1, certified.hash())));
      assertEquals(Optional.empty(), new EventLog(database).firstMislabelled());
      // No hash covers the column: a line is of the kind that it says.
      for (String kind : List.of("call", "%", "", "purged")) {
        database.transaction(connection -> {
          try (PreparedStatement update = connection.prepareStatement("update events set kind = ? where number = 6")) {
            update.setString(1, kind);
            return update.executeUpdate();
          }
        });
        assertEquals(events, ledger.events());
        assertEquals(Optional.of(6L), new EventLog(database).firstMislabelled());
        assertEquals(1, new EventLog(database).count("retired", "version", "v1"));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("databases")
  void theWriterLeavesNothingBehind(DatabaseUrl url) throws Exception {
    try (Database database = Database.open(url)) {
      EventLog log = new EventLog(database);
      try (EventWriter writer = new EventWriter(log)) {
        IntStream.range(0, 2000).forEach(i -> writer.write(entry(i)));
      }
      List<Line> lines = lines(log);
      assertEquals(2000, lines.size());
      assertEquals(1999, lines.get(1999).content().path("i").asInt());
      assertEquals(Optional.empty(), fault(lines));
    }
  }

  /** A good log of ten lines, in memory. */
  private static List<Line> ten() {
    List<Line> lines = new ArrayList<>();
    String hash = Line.BEGINNING;
    for (int i = 1; i <= 10; i++) {
      Entry entry = entry(i);
      Line line = Line.after(i, hash, "call", entry.time(), entry.fields());
      lines.add(line);
      hash = line.hash();
    }
    return lines;
  }

  private static void faultIs(long line, String word, Consumer<List<Line>> tamper) {
    List<Line> lines = ten();
    tamper.accept(lines);
    Chain.Fault fault = fault(lines).orElseThrow();
    assertEquals(line, fault.line(), fault.what());
    assertTrue(fault.what().contains(word), fault.what());
  }

  /** The numbers of the rows as they stand, as whoever hides something would write them. */
  private static void renumber(List<Line> lines) {
    lines.replaceAll(line -> new Line(lines.indexOf(line) + 1, line.hash(), line.text()));
  }

  @Test
  void aChangedLineIsFound() {
    faultIs(4, "changed", lines -> lines.set(3, new Line(4, lines.get(3).hash(),
        lines.get(3).text().replace("\"i\":4", "\"i\":5"))));
    faultIs(10, "changed", lines -> lines.set(9, new Line(10, lines.get(9).hash(),
        lines.get(9).text().replace("\"i\":10", "\"i\":11"))));
    // Its hash is made to fit, and the next line's is not.
    faultIs(5, "changed", lines -> {
      String text = lines.get(3).text().replace("\"i\":4", "\"i\":5");
      lines.set(3, new Line(4, Line.hash(lines.get(2).hash(), text), text));
    });
  }

  @Test
  void aDroppedLineIsFound() {
    faultIs(4, "missing", lines -> lines.remove(3));
    faultIs(1, "missing", lines -> lines.remove(0));
    faultIs(4, "dropped", lines -> {
      lines.remove(3);
      renumber(lines);
    });
  }

  @Test
  void reorderedLinesAreFound() {
    faultIs(4, "changed places", lines -> {
      Collections.swap(lines, 3, 4);
      renumber(lines);
    });
    faultIs(2, "reordered", lines -> {
      Collections.swap(lines, 1, 7);
      renumber(lines);
    });
  }

  @Test
  void anInsertedLineIsFound() {
    faultIs(4, "inserted", lines -> {
      // Whoever inserts it knows how hashes are made.
      Entry entry = entry(99);
      lines.add(3, Line.after(4, lines.get(2).hash(), "call", entry.time(), entry.fields()));
      renumber(lines);
    });
    faultIs(4, "inserted", lines -> {
      Entry entry = entry(99);
      lines.add(3, Line.after(4, Line.BEGINNING, "call", entry.time(), entry.fields()));
      renumber(lines);
    });
    faultIs(4, "twice", lines -> lines.add(4, lines.get(3)));
  }

  @Test
  void aLogThatWasCutOffOrWrittenAnewIsFoundByWhatACertificateKept() {
    List<Line> lines = ten();
    Chain cut = new Chain();
    cut.expect(8, lines.get(7).hash());
    lines.subList(0, 6).forEach(cut::next);
    assertEquals(7, cut.fault().orElseThrow().line());
    // Ten lines of another moment have other times, and so other hashes.
    List<Line> others = new ArrayList<>();
    String hash = Line.BEGINNING;
    for (int i = 1; i <= 10; i++) {
      Line line = Line.after(i, hash, "call", Instant.EPOCH, JsonNodeFactory.instance.objectNode());
      others.add(line);
      hash = line.hash();
    }
    Chain written = new Chain();
    written.expect(8, lines.get(7).hash());
    others.forEach(written::next);
    assertEquals(8, written.fault().orElseThrow().line());
    // One certificate of each log, in whatever order: that of the other one is not forgotten.
    for (List<Line> order : List.of(List.of(lines.get(7), others.get(7)), List.of(others.get(7), lines.get(7)))) {
      Chain both = new Chain();
      order.forEach(line -> both.expect(8, line.hash()));
      others.forEach(both::next);
      assertEquals(8, both.fault().orElseThrow().line());
    }
  }
}
