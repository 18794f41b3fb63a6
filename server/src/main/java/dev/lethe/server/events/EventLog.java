package dev.lethe.server.events;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lethe.server.store.Database;
import dev.lethe.server.store.StoreException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The event log in the database. Servers that share a database share the log: whoever comes second by a hair finds the
 * number taken, and writes its line after the other's.
 *
 * <p>Blocks: not for event loops. Throws {@link StoreException} if the database cannot be used, and then has changed
 * nothing.
 */
public final class EventLog {

  private static final int RIVALS = 50;
  private static final int PAGE = 1000;
  /** Where a line says its kind: all lines begin with number, time and event, which take less than this. */
  private static final String BEGINNING = "substr(line, 1, 100)";

  private final Database database;

  public EventLog(Database database) {
    this.database = database;
  }

  /**
   * A line to be.
   *
   * @param kind what kind of line it is
   * @param fields in order, beside number, time and event, which is the kind
   */
  public record Entry(String kind, Instant time, ObjectNode fields) {

    public static Entry now(String kind, ObjectNode fields) {
      return new Entry(kind, Instant.now().truncatedTo(ChronoUnit.MILLIS), fields);
    }
  }

  /** The last line of a log. */
  public record Head(long number, String hash) {}

  /** Appends lines, all or none. Once it returns they are on the disk. */
  public void append(List<Entry> entries) {
    append(entries, Database.Work.NOTHING);
  }

  /**
   * The same, in one transaction with something else.
   *
   * @param with carried out first, and again whenever another server's line comes between: it may read the log, and
   *     what it finds is so when the lines are appended; what it throws prevents both
   */
  public synchronized void append(List<Entry> entries, Database.Work<?> with) {
    for (int attempt = 1; ; attempt++) {
      try {
        database.transaction(connection -> {
          // First: whatever line is written from here on takes the number.
          Optional<Head> head = head(connection);
          with.run(connection);
          append(connection, head, entries);
          return null;
        });
        return;
      } catch (StoreException e) {
        if (e.reason() != StoreException.Reason.DUPLICATE || attempt == RIVALS) {
          throw e;
        }
      }
    }
  }

  /**
   * Returns once those have come to an end who were appending lines, by connections that may be lost: whether their
   * lines are there is certain from then on.
   */
  public synchronized void await() {
    Entry rival = Entry.now("none", JsonNodeFactory.instance.objectNode());
    try {
      database.transaction(connection -> {
        // It has to wait for whoever has taken the number, and is taken back.
        append(connection, head(connection), List.of(rival));
        throw new TakenBackException();
      });
    } catch (TakenBackException e) {
      return;
    } catch (StoreException e) {
      if (e.reason() != StoreException.Reason.DUPLICATE) {
        throw e;
      }
    }
  }

  private static final class TakenBackException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static void append(Connection connection, Optional<Head> head, List<Entry> entries) throws SQLException {
    long number = head.map(Head::number).orElse(0L);
    String hash = head.map(Head::hash).orElse(Line.BEGINNING);
    try (PreparedStatement insert = connection.prepareStatement(
        "insert into events (number, kind, hash, line) values (?,?,?,?)")) {
      for (Entry entry : entries) {
        Line line = Line.after(number + 1, hash, entry.kind(), entry.time(), entry.fields());
        insert.setLong(1, line.number());
        insert.setString(2, entry.kind());
        insert.setString(3, line.hash());
        insert.setString(4, line.text());
        insert.executeUpdate();
        number = line.number();
        hash = line.hash();
      }
    }
  }

  private static Optional<Head> head(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(
        "select number, hash from events order by number desc limit 1"); ResultSet row = select.executeQuery()) {
      return row.next() ? Optional.of(new Head(row.getLong(1), row.getString(2))) : Optional.empty();
    }
  }

  /** The last line; empty for a log without any. */
  public Optional<Head> head() {
    return database.transaction(EventLog::head);
  }

  /** Whether there is a line of this number and hash. */
  public boolean has(Head line) {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(
          "select count(*) from events where number = ? and hash = ?")) {
        select.setLong(1, line.number());
        select.setString(2, line.hash());
        try (ResultSet row = select.executeQuery()) {
          row.next();
          return row.getLong(1) > 0;
        }
      }
    });
  }

  /**
   * Lines of some kinds, in order. It is the line itself that says its kind, which its hash covers; the column does
   * not count, since whoever changes it changes no hash.
   *
   * @param after the number of a line; only those behind it
   */
  public List<Line> ofKinds(List<String> kinds, long after) {
    return database.transaction(connection -> ofKinds(connection, kinds, after));
  }

  /** The same, within a transaction. */
  static List<Line> ofKinds(Connection connection, List<String> kinds, long after) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement("select number, hash, line from events where number >"
        + " ? and (" + (BEGINNING + " like ? or ").repeat(kinds.size() - 1) + BEGINNING
        + " like ?) order by number")) {
      select.setLong(1, after);
      for (int i = 0; i < kinds.size(); i++) {
        select.setString(i + 2, "%" + event(kinds.get(i)) + "%");
      }
      return lines(select);
    }
  }

  /** All lines of some kinds, in order. */
  public List<Line> ofKinds(List<String> kinds) {
    return ofKinds(kinds, Long.MIN_VALUE);
  }

  private static String event(String kind) {
    return "\"event\":\"" + kind + "\"";
  }

  /** The first line of which the column says another kind than the line itself; empty for none. */
  public Optional<Long> firstMislabelled() {
    return database.transaction(connection -> {
      // Of a kind that the line does not say, nothing is replaced.
      try (PreparedStatement select = connection.prepareStatement("select min(number) from events where replace("
          + BEGINNING + ", '\"event\":\"' || kind || '\"', '') = " + BEGINNING);
          ResultSet row = select.executeQuery()) {
        row.next();
        long number = row.getLong(1);
        return row.wasNull() ? Optional.empty() : Optional.of(number);
      }
    });
  }

  /** Counts lines of a kind in which a field has a value: one without a character that JSON or SQL writes otherwise. */
  public long count(String kind, String field, String value) {
    return database.transaction(connection -> {
      try (PreparedStatement select = connection.prepareStatement(
          "select count(*) from events where " + BEGINNING + " like ? and line like ?")) {
        select.setString(1, "%" + event(kind) + "%");
        select.setString(2, "%\"" + field + "\":\"" + value + "\"%");
        try (ResultSet row = select.executeQuery()) {
          row.next();
          return row.getLong(1);
        }
      }
    });
  }

  /** Shows all lines, in order, a page at a time. */
  public void forEach(Consumer<Line> use) {
    long after = Long.MIN_VALUE;
    List<Line> page;
    do {
      long from = after;
      page = database.transaction(connection -> {
        try (PreparedStatement select = connection.prepareStatement("select number, hash, line from events where number"
            + " > ? order by number limit " + PAGE)) {
          select.setLong(1, from);
          return lines(select);
        }
      });
      page.forEach(use);
      after = page.isEmpty() ? after : page.get(page.size() - 1).number();
    } while (page.size() == PAGE);
  }

  private static List<Line> lines(PreparedStatement select) throws SQLException {
    List<Line> lines = new ArrayList<>();
    try (ResultSet row = select.executeQuery()) {
      while (row.next()) {
        lines.add(new Line(row.getLong(1), row.getString(2), row.getString(3)));
      }
    }
    return lines;
  }
}
