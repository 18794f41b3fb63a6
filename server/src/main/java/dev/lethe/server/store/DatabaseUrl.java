package dev.lethe.server.store;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A JDBC URL of a database that Lethe runs on.
 *
 * @param text as JDBC has it; may hold a password, and so is never printed whole
 */
public record DatabaseUrl(String text) {

  private static final String SQLITE = "jdbc:sqlite:";
  private static final String POSTGRESQL = "jdbc:postgresql:";
  private static final Pattern PASSWORD = Pattern.compile("(?i)((?:password|sslpassword)=)[^&]*|(//[^/@:]+:)[^/@]*@");

  /** @throws IllegalArgumentException if it is of another kind of database */
  public DatabaseUrl {
    if (!text.startsWith(SQLITE) && !text.startsWith(POSTGRESQL)) {
      throw new IllegalArgumentException("must begin with " + POSTGRESQL + ", as " + POSTGRESQL
          + "//HOST/DATABASE?user=USER&password=PASSWORD, or with " + SQLITE + ", as " + SQLITE + "FILE");
    }
    if (text.startsWith(SQLITE) && file(text).isEmpty()) {
      throw new IllegalArgumentException("must name a file after " + SQLITE
          + ": a database in memory would lose what was accepted");
    }
  }

  /** SQLite in a file. */
  public static DatabaseUrl sqlite(Path file) {
    return new DatabaseUrl(SQLITE + file.toAbsolutePath().normalize());
  }

  /** Whether several servers may work on it at once. */
  public boolean isShared() {
    return text.startsWith(POSTGRESQL);
  }

  /** The file of an SQLite database. */
  public Optional<Path> file() {
    return isShared() ? Optional.empty() : file(text);
  }

  private static Optional<Path> file(String text) {
    String name = text.substring(SQLITE.length()).split("\\?", 2)[0];
    return name.isBlank() || name.toLowerCase(Locale.ROOT).contains(":memory:") ? Optional.empty()
        : Optional.of(Path.of(name.startsWith("file:") ? name.substring("file:".length()) : name));
  }

  /** Without passwords. */
  @Override
  public String toString() {
    return PASSWORD.matcher(text).replaceAll(found -> found.group(1) != null ? "$1***" : "$2***@");
  }
}
