package dev.lethe.client.console;

import dev.lethe.client.LetheException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** How every command reports errors: foreseen ones in one line that starts with {@code lethe:}. */
public final class CommandLines {

  private CommandLines() {}

  /** Exit code 1 for what failed, 2 for wrong options; a defect keeps its stack trace. */
  public static CommandLine configure(CommandLine commands, Console console) {
    return commands
        .setOut(new PrintWriter(console.out(), true))
        .setErr(new PrintWriter(console.err(), true))
        .setExecutionExceptionHandler((error, command, parsed) -> {
          console.err().println("lethe: " + message(error));
          return command.getCommandSpec().exitCodeOnExecutionException();
        })
        .setParameterExceptionHandler(CommandLines::wrongUsage);
  }

  private static String message(Exception error) throws Exception {
    if (error instanceof LetheException refused) {
      return refused.toString();
    }
    Exception cause = error instanceof UncheckedIOException unchecked ? unchecked.getCause() : error;
    if (cause instanceof FileSystemException file && file.getReason() == null && file.getOtherFile() == null) {
      // Their message is the path alone; the class says what is wrong with it.
      return file.getClass().getSimpleName().replace("Exception", "") + ": " + file.getFile();
    }
    if (cause instanceof IOException) {
      return cause.getMessage();
    }
    throw error;
  }

  private static int wrongUsage(ParameterException wrong, String[] args) {
    CommandLine command = wrong.getCommandLine();
    command.getErr().println("lethe: " + wrong.getMessage());
    if (!UnmatchedArgumentException.printSuggestions(wrong, command.getErr())) {
      command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    }
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }
}
