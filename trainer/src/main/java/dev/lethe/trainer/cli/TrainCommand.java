package dev.lethe.trainer.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code lethe train}. */
@Command(name = "train", mixinStandardHelpOptions = true,
    subcommands = {FeaturesCommand.class, GanCommand.class, QualityCommand.class},
    description = "Trains models from scratch and measures them.")
public final class TrainCommand {

  private TrainCommand() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new TrainCommand()).execute(arguments));
  }
}
