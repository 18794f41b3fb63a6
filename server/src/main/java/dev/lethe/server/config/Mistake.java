package dev.lethe.server.config;

/**
 * Something in a configuration that cannot be used.
 *
 * @param where the file and line, variable or flag, or the setting's key where several play together
 * @param message the value, what is allowed, and what to do
 */
public record Mistake(String where, String message) {

  @Override
  public String toString() {
    return where + ": " + message;
  }
}
