package dev.lethe.client.console;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.Optional;

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
    return new Console(ResultStream.standardOutput(), System.err, Integer.getInteger(COLUMNS_PROPERTY, 0));
  }

  /** For standard output, or what stands for it: errors of its are remembered. */
  public static PrintStream results(OutputStream out) {
    return ResultStream.of(out, Charset.defaultCharset());
  }

  /** Why a part of the results was not written; empty if all were, or went into a pipe that nobody reads any more. */
  Optional<String> lost() {
    if (out instanceof ResultStream results) {
      return results.lost();
    }
    return out.checkError() ? Optional.of("it is closed") : Optional.empty();
  }

  public boolean isTerminal() {
    return columns > 0;
  }
}
