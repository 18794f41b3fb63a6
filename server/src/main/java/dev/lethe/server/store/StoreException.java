package dev.lethe.server.store;

import dev.lethe.server.errors.DomainException;
import dev.lethe.server.errors.DomainException.Exhausted;
import dev.lethe.server.errors.DomainException.Failed;
import dev.lethe.server.errors.DomainException.Unavailable;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** The database did not do what it was asked to; nothing of it was done. */
public final class StoreException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** What can be done about it. */
  public enum Reason {
    /** The disk is full, or a quota is used up. */
    NO_SPACE,
    /** It cannot be reached or is busy; later it may work. */
    UNAVAILABLE,
    /** A row of that key is there already. */
    DUPLICATE,
    /** All else. */
    OTHER
  }

  /** What to do about a file that is no whole SQLite database. */
  static final String DAMAGED = "it is damaged, or no SQLite database: stop the server, and restore the backup"
      + " (docs/operations.md)";

  private final Reason reason;

  StoreException(SQLException cause) {
    super(message(cause), cause);
    this.reason = reason(cause);
  }

  public Reason reason() {
    return reason;
  }

  /** What a client is told of it. */
  public DomainException error() {
    return switch (reason) {
      case NO_SPACE -> new Exhausted(getMessage(), this);
      case UNAVAILABLE -> new Unavailable(getMessage(), this);
      case DUPLICATE, OTHER -> new Failed(getMessage(), this);
    };
  }

  private static String message(SQLException cause) {
    return switch (reason(cause)) {
      case NO_SPACE -> "the database has no space left";
      case UNAVAILABLE -> "the database cannot be reached: " + cause.getMessage();
      case DUPLICATE, OTHER -> isDamage(cause) ? "the database cannot be used: " + DAMAGED
          : "the database refused: " + cause.getMessage();
    };
  }

  /** Whether something failed since the file of an SQLite database is not what it was. */
  static boolean isDamage(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLiteException sqlite) {
        SQLiteErrorCode kind = SQLiteErrorCode.getErrorCode(sqlite.getResultCode().code & 0xff);
        return kind == SQLiteErrorCode.SQLITE_CORRUPT || kind == SQLiteErrorCode.SQLITE_NOTADB;
      }
    }
    return false;
  }

  private static Reason reason(SQLException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLiteException sqlite) {
        return reason(sqlite.getResultCode());
      }
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        return reason(sql.getSQLState());
      }
    }
    // Of the pool, which waited in vain for a connection.
    return failure instanceof java.sql.SQLTransientException ? Reason.UNAVAILABLE : Reason.OTHER;
  }

  private static Reason reason(SQLiteErrorCode code) {
    // The lowest byte is the kind; what is above it says more.
    return switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
      case SQLITE_FULL -> Reason.NO_SPACE;
      case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY -> Reason.UNAVAILABLE;
      case SQLITE_CONSTRAINT -> code == SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE
          || code == SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY ? Reason.DUPLICATE : Reason.OTHER;
      default -> Reason.OTHER;
    };
  }

  /** By the classes of the SQL standard, and PostgreSQL's own of what an operator has done. */
  private static Reason reason(String state) {
    if (state.equals("53100")) {
      return Reason.NO_SPACE;
    }
    if (state.equals("23505")) {
      return Reason.DUPLICATE;
    }
    // 25P03: this server stood still in the midst of it.
    return state.startsWith("08") || state.startsWith("57P") || state.startsWith("53") || state.startsWith("40")
        || state.equals("25P03") ? Reason.UNAVAILABLE : Reason.OTHER;
  }
}
