package dev.lethe.trainer.cli;

import dev.lethe.trainer.console.CommandErrors;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code lethe train}. */
@Command(name = "lethe train", mixinStandardHelpOptions = true,
    subcommands = {FeaturesCommand.class, GanCommand.class, QualityCommand.class},
    description = "Trains models from scratch and measures them.")
public final class TrainCommand {

  private TrainCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** With its options, and how it reports errors. */
  public static CommandLine commandLine() {
    return CommandErrors.report(new CommandLine(new TrainCommand()));
  }
}
