package dev.lethe.client.cli;

import dev.lethe.client.console.CommandLines;
import dev.lethe.client.console.Console;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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

  /** Completes all of the others. */
  private static final String COMPLETION = "completion";
  /** By their names, in the order of the help. */
  private static final Map<String, Function<Console, Object>> COMMANDS = commands();
  /** Options that need no command. */
  private static final Set<String> ALONE = Set.of("-V", "--version");

  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    System.exit(commandLine(Console.system(), args).execute(args));
  }

  /** With all commands. */
  public static CommandLine commandLine(Console console) {
    return commandLine(console, COMMANDS.values());
  }

  /** With the commands that these arguments need: reading the options of all takes longer than most commands take. */
  static CommandLine commandLine(Console console, String... args) {
    String first = args.length == 0 ? "" : args[0];
    if (ALONE.contains(first)) {
      return commandLine(console, List.of());
    }
    return commandLine(console, COMMANDS.containsKey(first) && !first.equals(COMPLETION)
        ? List.of(COMMANDS.get(first)) : COMMANDS.values());
  }

  private static CommandLine commandLine(Console console, Collection<Function<Console, Object>> made) {
    CommandLine commands = new CommandLine(new Main());
    made.forEach(command -> commands.addSubcommand(command.apply(console)));
    ProtoNames.register(commands);
    return CommandLines.configure(commands, console);
  }

  private static Map<String, Function<Console, Object>> commands() {
    Map<String, Function<Console, Object>> commands = new LinkedHashMap<>();
    commands.put("generate", GenerateCommand::new);
    commands.put("unlearn", UnlearnCommand::new);
    commands.put("project", ProjectCommand::new);
    commands.put("jobs", JobsCommand::new);
    commands.put("models", ModelsCommand::new);
    commands.put("certificate", CertificateCommand::new);
    commands.put("wait", WaitCommand::new);
    commands.put(COMPLETION, CompletionCommand::new);
    return commands;
  }
}
