package dev.lethe.server.store;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What tests of the store run on: SQLite, and PostgreSQL too where the environment's LETHE_TEST_POSTGRES is the URL of
 * a server on which databases may be made, as {@code scripts/with-postgres} sets it.
 */
public final class TestDatabases {

  private static final String POSTGRES = "LETHE_TEST_POSTGRES";

  private TestDatabases() {}

  /** An empty database of each kind there is. */
  public static Stream<DatabaseUrl> all(Path directory) {
    return Stream.concat(Stream.of(DatabaseUrl.sqlite(directory.resolve("test.db"))), postgresql().stream());
  }

  /** An empty database on PostgreSQL, if there is one. */
  public static Optional<DatabaseUrl> postgresql() {
    return Optional.ofNullable(System.getenv(POSTGRES)).map(server -> {
      String name = "t" + UUID.randomUUID().toString().replace("-", "");
      try (Connection connection = DriverManager.getConnection(server);
          Statement statement = connection.createStatement()) {
        statement.execute("create database " + name);
      } catch (SQLException e) {
        throw new IllegalStateException(POSTGRES + " is " + new DatabaseUrl(server) + ": " + e.getMessage(), e);
      }
      return new DatabaseUrl(server.replaceFirst("/postgres(?=\\?|$)", "/" + name));
    });
  }
}
