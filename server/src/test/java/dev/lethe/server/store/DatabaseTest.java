package dev.lethe.server.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.server.store.StoreException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {

  @TempDir
  Path root;

  private static int execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  private static void insert(Database database, String id) {
    database.transaction(connection -> execute(connection, "insert into jobs values ('" + id
        + "', 'tiny', 'queued', 'queued', 1, 'me', null, 0, 'NONE', null, 'x', null, null, 0, '{}', '{}')"));
  }

  private static int count(Database database) {
    return Integer.parseInt(database.transaction(connection -> value(connection, "select count(*) from jobs")));
  }

  @TestFactory
  Stream<DynamicTest> eachIsOneForAllTime() throws IOException {
    String another;
    try (Database database = Database.open(DatabaseUrl.sqlite(root.resolve("another.db")))) {
      another = database.identity();
    }
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url.toString(), () -> {
      String identity;
      try (Database database = Database.open(url)) {
        identity = database.identity();
      }
      assertNotEquals(another, identity);
      try (Database database = Database.open(url)) {
        assertEquals(identity, database.identity());
      }
    }));
  }

  @TestFactory
  Stream<DynamicTest> whoLooksChangesNoSchema() {
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url.toString(), () -> {
      try (Database database = Database.open(url)) {
        database.transaction(connection -> execute(connection, "drop table identity"));
        database.transaction(connection -> execute(connection,
            "delete from flyway_schema_history where version = '3'"));
      }
      String refusal = assertThrows(IOException.class, () -> Database.look(url)).getMessage();
      assertTrue(refusal.contains("it is an older release's"), refusal);
      Database.open(url).close();
      Database.look(url).close();
    }));
  }

  @TestFactory
  Stream<DynamicTest> transactionsAreWholeAndLast() {
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url.toString(), () -> {
      try (Database database = Database.open(url)) {
        insert(database, "a");
        StoreException refusal = assertThrows(StoreException.class, () -> database.transaction(connection -> {
          execute(connection, "delete from jobs");
          execute(connection, "insert into jobs (id) values ('b')");
          return null;
        }));
        assertEquals(Reason.OTHER, refusal.reason(), refusal.getMessage());
        assertEquals(1, count(database));
        assertEquals(Reason.DUPLICATE, assertThrows(StoreException.class, () -> insert(database, "a")).reason());
      }
      try (Database again = Database.open(url)) {
        assertEquals(1, count(again));
      }
    }));
  }

  /** Each reads, and then writes what it read and one more. */
  @TestFactory
  Stream<DynamicTest> writersWaitForOneAnother() {
    return TestDatabases.all(root).map(url -> DynamicTest.dynamicTest(url.toString(), () -> {
      try (Database database = Database.open(url)) {
        insert(database, "a");
        CompletableFuture.allOf(IntStream.range(0, 20).mapToObj(i -> CompletableFuture.runAsync(() ->
            database.transaction(connection -> {
              value(connection, "select revision from jobs where id = 'a'"
                  + (database.isShared() ? " for update" : ""));
              return execute(connection, "update jobs set revision = revision + 1 where id = 'a'");
            }))).toArray(CompletableFuture[]::new)).join();
        assertEquals("20", database.transaction(connection -> value(connection, "select revision from jobs")));
      }
    }));
  }

  /** Without space SQLite ends a transaction by itself; what comes next is a transaction all the same. */
  @Test
  void afterAFullDiskATransactionIsStillOne() throws IOException {
    try (Database database = Database.open(DatabaseUrl.sqlite(root.resolve("lethe.db")))) {
      insert(database, "a");
      StoreException full = assertThrows(StoreException.class, () -> database.transaction(connection -> {
        value(connection, "pragma max_page_count = 1");
        return execute(connection, "update jobs set work = hex(randomblob(1000000))");
      }));
      assertEquals(Reason.NO_SPACE, full.reason(), full.getMessage());
      assertThrows(StoreException.class, () -> database.transaction(connection -> {
        execute(connection, "delete from jobs");
        return execute(connection, "insert into jobs (id) values ('b')");
      }));
      assertEquals(1, count(database));
      insert(database, "c");
      assertEquals(2, count(database));
    }
  }

  /** The driver thinks that a transaction has begun, though it could not; what comes next is one all the same. */
  @Test
  void aBusyDatabaseIsUnavailableAndTheNextTransactionIsWhole() throws Exception {
    DatabaseUrl url = DatabaseUrl.sqlite(root.resolve("lethe.db"));
    try (Database database = Database.open(url)) {
      insert(database, "a");
      try (Connection other = DriverManager.getConnection(url.text())) {
        execute(other, "begin immediate");
        assertEquals(Reason.UNAVAILABLE, assertThrows(StoreException.class, () -> insert(database, "b")).reason());
      }
      StoreException refusal = assertThrows(StoreException.class, () -> database.transaction(connection -> {
        execute(connection, "delete from jobs");
        return execute(connection, "insert into jobs (id) values ('c')");
      }));
      assertTrue(refusal.getMessage().contains("NOT NULL"), refusal.getMessage());
      assertEquals(1, count(database));
      insert(database, "d");
      assertEquals(2, count(database));
    }
  }

  @Test
  void sqliteIsAsSafeAsItSays() throws IOException {
    try (Database database = Database.open(DatabaseUrl.sqlite(root.resolve("new/lethe.db")))) {
      assertEquals("wal", database.transaction(connection -> value(connection, "pragma journal_mode")));
      assertEquals("2", database.transaction(connection -> value(connection, "pragma synchronous")));
      assertEquals("1", database.transaction(connection -> value(connection, "pragma secure_delete")));
    }
  }

  @Test
  void whatIsNoDatabaseIsNamed() throws IOException {
    Path file = Files.writeString(root.resolve("lethe.db"), "no database at all, but a file of some length".repeat(50));
    IOException refusal = assertThrows(IOException.class, () -> Database.open(DatabaseUrl.sqlite(file)));
    assertTrue(refusal.getMessage().contains(file.toString()), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("docs/operations.md"), refusal.getMessage());
    IOException gone = assertThrows(IOException.class,
        () -> Database.open(new DatabaseUrl("jdbc:postgresql://127.0.0.1:1/x?user=u&password=secret&loginTimeout=1")));
    assertTrue(gone.getMessage().contains("127.0.0.1:1"), gone.getMessage());
    assertFalse(gone.getMessage().contains("secret"), gone.getMessage());
  }

  @Test
  void ofADamagedFileAndAnotherProgramsItIsSaidWhatToDo() throws Exception {
    Path file = root.resolve("lethe.db");
    try (Database database = Database.open(DatabaseUrl.sqlite(file))) {
      insert(database, "a");
    }
    byte[] bytes = Files.readAllBytes(file);
    // Less the head, by which it still is an SQLite database.
    Arrays.fill(bytes, 100, bytes.length, (byte) 0x5a);
    Files.write(file, bytes);
    String damaged = assertThrows(IOException.class, () -> Database.open(DatabaseUrl.sqlite(file))).getMessage();
    assertTrue(damaged.contains(file.toString()), damaged);
    assertTrue(damaged.contains("restore the backup (docs/operations.md)"), damaged);

    Path other = root.resolve("other.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + other)) {
      execute(connection, "create table bookmarks (url text)");
    }
    String foreign = assertThrows(IOException.class, () -> Database.open(DatabaseUrl.sqlite(other))).getMessage();
    assertTrue(foreign.contains("another program's") && !foreign.contains("baseline"), foreign);
  }

  @Test
  void urlsAreCheckedAndTellNoPassword() {
    assertThrows(IllegalArgumentException.class, () -> new DatabaseUrl("jdbc:mysql://x/y"));
    assertThrows(IllegalArgumentException.class, () -> new DatabaseUrl("jdbc:sqlite::memory:"));
    assertEquals("jdbc:postgresql://h/d?user=u&password=***",
        new DatabaseUrl("jdbc:postgresql://h/d?user=u&password=a$b").toString());
    assertEquals("jdbc:postgresql://u:***@h/d", new DatabaseUrl("jdbc:postgresql://u:pw@h/d").toString());
  }
}
