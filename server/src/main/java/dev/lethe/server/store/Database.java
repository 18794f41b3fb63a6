package dev.lethe.server.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.Map;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.CoreErrorCode;
import org.flywaydb.core.api.FlywayException;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * A database with the schema of this release. SQLite keeps a journal beside its file and waits for the disk at every
 * commit, so that what was committed outlives a crash and a loss of power; what is deleted is overwritten.
 *
 * <p>Blocks: not for event loops.
 */
public final class Database implements AutoCloseable {

  /** How long whoever asks waits for a connection, or for another's transaction. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  /** How long a database that others share may take to answer a statement. */
  private static final Duration SILENCE = Duration.ofSeconds(30);
  private static final int CONNECTIONS = 8;
  private static final String MIGRATIONS = "classpath:dev/lethe/server/store";

  private final DatabaseUrl url;
  private final HikariDataSource source;

  private Database(DatabaseUrl url, HikariDataSource source) {
    this.url = url;
    this.source = source;
  }

  /** Statements of one transaction. */
  public interface Work<T> {

    /** None. */
    Work<Void> NOTHING = connection -> null;

    T run(Connection connection) throws SQLException;
  }

  /**
   * Opens a database, and brings its schema up to this release's.
   *
   * @throws IOException if it cannot be reached, is not Lethe's, or is a newer release's; with what to do
   */
  public static Database open(DatabaseUrl url) throws IOException {
    return open(url, Flyway::migrate);
  }

  /**
   * Opens a database to look at what is in it, whose schema stays as it is: a server of an older release may be at work
   * on it.
   *
   * @throws IOException as {@link #open}; and if its schema is an older release's
   */
  public static Database look(DatabaseUrl url) throws IOException {
    return open(url, flyway -> {
      if (flyway.info().pending().length > 0) {
        throw new FlywayException("it is an older release's; look at it with that release, or start a server of this"
            + " one on it first");
      }
    });
  }

  private static Database open(DatabaseUrl url, Consumer<Flyway> schema) throws IOException {
    HikariDataSource source = null;
    try {
      source = new HikariDataSource(url.isShared() ? postgresql(url) : sqlite(url));
      schema.accept(flyway(url, source));
      return new Database(url, source);
    } catch (RuntimeException e) {
      if (source != null) {
        source.close();
      }
      throw new IOException("the database " + url + " cannot be used: " + reason(e), e);
    }
  }

  private static String reason(RuntimeException failure) {
    if (StoreException.isDamage(failure)) {
      return StoreException.DAMAGED;
    }
    if (failure instanceof FlywayException flyway
        && flyway.getErrorCode() == CoreErrorCode.NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE) {
      return "it is another program's: there are tables in it, and none of them is Lethe's. Give the server one of its"
          + " own (--database)";
    }
    Throwable cause = failure instanceof FlywayException || failure.getCause() == null ? failure : failure.getCause();
    return cause.getMessage();
  }

  private static HikariConfig sqlite(DatabaseUrl url) throws IOException {
    Path file = url.file().orElseThrow();
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    SQLiteConfig settings = new SQLiteConfig();
    settings.setJournalMode(SQLiteConfig.JournalMode.WAL);
    settings.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    settings.setBusyTimeout(Math.toIntExact(PATIENCE.toMillis()));
    settings.enforceForeignKeys(true);
    // A transaction that reads first and writes later would be refused if another has written in between.
    settings.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    SQLiteDataSource opened = new SQLiteDataSource(settings);
    opened.setUrl(url.text());
    HikariConfig pool = pool();
    pool.setDataSource(opened);
    pool.setConnectionInitSql("pragma secure_delete = on");
    return pool;
  }

  private static HikariConfig postgresql(DatabaseUrl url) {
    HikariConfig pool = pool();
    pool.setJdbcUrl(url.text());
    pool.setDriverClassName("org.postgresql.Driver");
    // A server that hangs is one that is gone. The URL may say otherwise.
    pool.addDataSourceProperty("socketTimeout", Long.toString(SILENCE.toSeconds()));
    // So is one of our own: what a server has locked that stands still within a transaction, others wait for.
    pool.setConnectionInitSql("set idle_in_transaction_session_timeout = '" + SILENCE.toSeconds() + "s'");
    return pool;
  }

  private static HikariConfig pool() {
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("lethe-database");
    pool.setMaximumPoolSize(CONNECTIONS);
    pool.setMinimumIdle(1);
    pool.setConnectionTimeout(PATIENCE.toMillis());
    return pool;
  }

  /** The same files for both: only names differ. */
  private static Flyway flyway(DatabaseUrl url, DataSource source) {
    return Flyway.configure()
        .dataSource(source)
        .locations(MIGRATIONS)
        .placeholders(url.isShared()
            ? Map.of("bytes", "bytea", "time", "timestamp with time zone", "flag", "boolean", "random",
                "cast(gen_random_uuid() as varchar)")
            : Map.of("bytes", "blob", "time", "timestamp", "flag", "bit", "random", "lower(hex(randomblob(16)))"))
        .load();
  }

  /** For libraries that bring their own SQL. */
  public DataSource source() {
    return source;
  }

  /**
   * Which database it is: a random name, given to it once, that its backups have too, and for PostgreSQL its place,
   * which a copy that was restored beside it has not.
   */
  public String identity() {
    return transaction(connection -> value(connection, isShared()
        ? "select id || '/' || system_identifier || '/' || oid from identity, pg_control_system(), pg_database"
            + " where datname = current_database()"
        : "select id from identity"));
  }

  private static String value(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }

  /** Whether several servers may work on it at once. */
  public boolean isShared() {
    return url.isShared();
  }

  /** The database's file; empty of a server's. */
  public Optional<Path> file() {
    return url.file();
  }

  /**
   * Runs statements as one transaction: all of them, or none.
   *
   * @throws StoreException if they fail; then none was carried out. Of a connection that breaks at the very end nobody
   *     knows; whoever repeats a transaction must see whether it was
   */
  public <T> T transaction(Work<T> work) {
    try (Connection connection = source.getConnection()) {
      try {
        connection.setAutoCommit(false);
        T result = work.run(connection);
        // By commit() SQLite's driver begins the next transaction as well; were that refused, what is written would
        // seem not to be.
        connection.setAutoCommit(true);
        return result;
      } catch (SQLException | RuntimeException e) {
        rollBack(connection, e);
        throw e;
      }
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  /**
   * Takes out of the journal, too, what was deleted or written over. SQLite's is emptied; how long PostgreSQL keeps its
   * own is its operator's matter.
   *
   * @throws StoreException if somebody reads from the journal for too long
   */
  public void emptyJournal() {
    if (isShared()) {
      return;
    }
    try (Connection connection = source.getConnection(); Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("pragma wal_checkpoint(truncate)")) {
      if (row.next() && row.getInt("busy") != 0) {
        throw new SQLTransientException("the journal is being read");
      }
    } catch (SQLException e) {
      throw new StoreException(e);
    }
  }

  private void rollBack(Connection connection, Exception reason) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      reason.addSuppressed(e);
      // SQLite ends a transaction by itself where there is no space, and has none where it was too busy to begin one.
      // The driver thinks that it is within one, and would carry out the next without: each statement for itself.
      source.evictConnection(connection);
    }
  }

  @Override
  public void close() {
    source.close();
  }
}
