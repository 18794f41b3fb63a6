package dev.lethe.client.cli;

import dev.lethe.client.console.CommandLines;
import dev.lethe.client.console.Console;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The commands of {@code lethe} that talk to a server. */
@Command(name = "lethe", description = "Generates with and unlearns from models of a Lethe server.",
    synopsisSubcommandLabel = "COMMAND")
public final class Main {

  @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Print this help.")
  private boolean help;

  private Main() {}

  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    System.exit(commandLine(Console.system()).execute(args));
  }

  static CommandLine commandLine(Console console) {
    CommandLine commands = new CommandLine(new Main())
        .addSubcommand(new GenerateCommand(console))
        .addSubcommand(new UnlearnCommand(console))
        .addSubcommand(new ProjectCommand(console))
        .addSubcommand(new JobsCommand(console))
        .addSubcommand(new ModelsCommand(console));
    ProtoNames.register(commands);
    return CommandLines.configure(commands, console);
  }
}
