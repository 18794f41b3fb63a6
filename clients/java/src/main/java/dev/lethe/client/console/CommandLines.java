package dev.lethe.client.console;

import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.UnmatchedArgumentException;

/** How every command reports errors: foreseen ones in one line that starts with {@code lethe:}. */
public final class CommandLines {

  /** With this option, errors are told with Java's trace. */
  public static final String VERBOSE = "-v";

  private CommandLines() {}

  /** Exit code 1 for what failed, 2 for wrong options. */
  public static CommandLine configure(CommandLine commands, Console console) {
    return commands
        .setOut(new PrintWriter(console.out(), true))
        .setErr(new PrintWriter(console.err(), true))
        .setExecutionStrategy(parsed -> written(console, new RunLast().execute(parsed)))
        .setExecutionExceptionHandler((error, command, parsed) -> {
          ParseResult innermost = parsed;
          while (innermost.hasSubcommand()) {
            innermost = innermost.subcommand();
          }
          console.err().println("lethe: " + new Failures(innermost.commandSpec()).words(error));
          if (innermost.hasMatchedOption(VERBOSE)) {
            error.printStackTrace(console.err());
          }
          return command.getCommandSpec().exitCodeOnExecutionException();
        })
        .setParameterExceptionHandler(CommandLines::wrongUsage);
  }

  /** Of results that got lost nothing was done that a script could go on from. */
  private static int written(Console console, int code) {
    Optional<String> lost = console.lost();
    lost.ifPresent(why -> console.err().println("lethe: standard output could not be written: " + why));
    return lost.isPresent() ? ExitCode.SOFTWARE : code;
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
