package dev.lethe.server.config;

import java.util.Locale;

/**
 * One thing that an operator decides. Its key names it everywhere: {@code tls.key} is {@code key} under {@code tls} in
 * the file, {@code LETHE_TLS_KEY} in the environment and {@code --tls-key} among the flags.
 *
 * @param key words in lower case; dots part sections, hyphens words
 * @param placeholder stands for the value in the help
 * @param fallback the text of the value that holds if nobody sets one; null: there is none
 * @param type reads the value
 * @param help a sentence or two for the help, without the default
 * @param <T> the value
 */
public record Setting<T>(String key, String placeholder, String fallback, ValueType<T> type, String help) {

  /** The prefix of all variables, and of nothing else of the server's. */
  static final String VARIABLE_PREFIX = "LETHE_";

  public String flag() {
    return "--" + key.replace('.', '-');
  }

  public String variable() {
    return VARIABLE_PREFIX + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }
}
