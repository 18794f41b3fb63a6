package dev.lethe.client.console;

import java.io.PrintStream;

/**
 * Where a command writes.
 *
 * @param out results
 * @param err errors
 * @param columns width of the terminal that {@code out} is; 0 when it is a file or a pipe
 */
public record Console(PrintStream out, PrintStream err, int columns) {

  /** System property: set by the script {@code lethe} to the terminal's width when standard output is a terminal. */
  private static final String COLUMNS_PROPERTY = "lethe.terminal.columns";

  public static Console system() {
    return new Console(System.out, System.err, Integer.getInteger(COLUMNS_PROPERTY, 0));
  }

  public boolean isTerminal() {
    return columns > 0;
  }
}
