package dev.lethe.client.cli;

import dev.lethe.client.console.CommandLines;
import dev.lethe.client.console.Console;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The commands of {@code lethe} that talk to a server. */
@Command(name = "lethe", description = "Generates with and unlearns from models of a Lethe server.",
    synopsisSubcommandLabel = "COMMAND", versionProvider = Main.Version.class)
public final class Main {

  @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Print this help.")
  private boolean help;

  @Option(names = {"-V", "--version"}, versionHelp = true, description = "Print the version.")
  private boolean version;

  /** The jar's, which the build writes into its manifest. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String built = Main.class.getPackage().getImplementationVersion();
      return new String[] {"lethe " + (built == null ? "(not from a jar)" : built)};
    }
  }

  private Main() {}

  /** What gRPC logs of connections that fail is said by the command, in a line. */
  private static final Logger TRANSPORT = Logger.getLogger("io.grpc");

  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    if (Stream.of(args).noneMatch(List.of(CommandLines.VERBOSE, "--verbose")::contains)) {
      TRANSPORT.setLevel(Level.OFF);
    }
    System.exit(commandLine(Console.system()).execute(args));
  }

  static CommandLine commandLine(Console console) {
    CommandLine commands = new CommandLine(new Main())
        .addSubcommand(new GenerateCommand(console))
        .addSubcommand(new UnlearnCommand(console))
        .addSubcommand(new ProjectCommand(console))
        .addSubcommand(new JobsCommand(console))
        .addSubcommand(new ModelsCommand(console))
        .addSubcommand(new CertificateCommand(console))
        .addSubcommand(new WaitCommand(console))
        .addSubcommand(new CompletionCommand(console));
    ProtoNames.register(commands);
    return CommandLines.configure(commands, console);
  }
}
