package dev.lethe.bench.completion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.bench.cli.BenchCommand;
import dev.lethe.bench.device.DeviceCommand;
import dev.lethe.client.cli.Main;
import dev.lethe.client.console.Console;
import dev.lethe.client.demo.DemoCommand;
import dev.lethe.server.AuditCommand;
import dev.lethe.server.ServeCommand;
import dev.lethe.trainer.cli.ExportCommand;
import dev.lethe.trainer.cli.ImportCommand;
import dev.lethe.trainer.cli.TrainCommand;
import dev.lethe.trainer.evaluation.EvaluateCommand;
import dev.lethe.trainer.evaluation.EvaluateFacesCommand;
import dev.lethe.trainer.speed.SpeedCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * {@code scripts/completion.bash}, which {@code ./lethe completion} prints, completes all commands of all modules. Made
 * anew by {@code mvn -pl bench -am test -Dtest=CompletionTest -Dlethe.completion=write
 * -Dsurefire.failIfNoSpecifiedTests=false}.
 */
@Timeout(60)
class CompletionTest {

  private static final Path HOME = Path.of("..");
  private static final Path SCRIPT = HOME.resolve("scripts/completion.bash");
  private static final Pattern LISTED = Pattern.compile("^ {2}([a-z]+) +\\S", Pattern.MULTILINE);

  /** The script's own. */
  @Command(name = "lethe", mixinStandardHelpOptions = true)
  private static final class Root {}

  private static CommandLine all() {
    CommandLine root = new CommandLine(new Root());
    Console console = Console.system();
    root.addSubcommand("demo", DemoCommand.commandLine(console))
        .addSubcommand("serve", ServeCommand.commandLine())
        .addSubcommand("train", TrainCommand.commandLine())
        .addSubcommand("import", ImportCommand.commandLine())
        .addSubcommand("export", ExportCommand.commandLine())
        .addSubcommand("evaluate", EvaluateCommand.commandLine()
            .addSubcommand("faces", EvaluateFacesCommand.commandLine()))
        .addSubcommand("bench", BenchCommand.commandLine()
            .addSubcommand("training", SpeedCommand.commandLine())
            .addSubcommand("device", DeviceCommand.commandLine()))
        .addSubcommand("audit", AuditCommand.commandLine())
        .addSubcommand("help", new CommandLine(new Root()));
    Main.commandLine(console).getSubcommands().forEach(root::addSubcommand);
    return root;
  }

  @Test
  void theScriptIsThatOfTheCommands() throws IOException {
    String made = AutoComplete.bash("lethe", all());
    if ("write".equals(System.getProperty("lethe.completion"))) {
      Files.writeString(SCRIPT, made);
    }
    assertEquals(made, Files.readString(SCRIPT),
        "scripts/completion.bash is older than the commands; this class says how to make it anew");
  }

  @Test
  void everyCommandOfTheHelpIsCompleted() throws Exception {
    String usage = bash("../lethe help");
    TreeSet<String> listed = LISTED.matcher(usage).results().map(MatchResult::group).map(String::strip)
        .map(line -> line.split(" ")[0]).collect(Collectors.toCollection(TreeSet::new));
    assertTrue(listed.containsAll(List.of("serve", "demo", "train", "import", "export", "evaluate", "bench", "audit",
        "generate", "wait")), usage);
    listed.add("help");
    assertEquals(listed, new TreeSet<>(all().getSubcommands().keySet()));
  }

  @ParameterizedTest
  @CsvSource(textBlock = """
      lethe se, serve
      lethe au, audit
      lethe serve --drai, --drain
      lethe demo --ke, --keep
      lethe train ga, gan
      lethe evaluate fa, faces
      lethe bench dev, device
      lethe audit ver, verify
      lethe audit log --out, --output
      lethe jobs app, approve
      lethe unlearn --recipe pap, paper
      """)
  void wordsAreCompleted(String typed, String completed) throws Exception {
    String[] words = typed.split(" ");
    String list = Arrays.stream(words).map(word -> "'" + word + "'").collect(Collectors.joining(" "));
    List<String> found = bash(
        // Only while it completes does bash have it.
        "compopt() { :; }; source <(../lethe completion); COMP_WORDS=(" + list + "); COMP_CWORD=" + (words.length - 1)
        + "; COMP_LINE='" + typed + "'; _complete_lethe; printf '%s\\n' \"${COMPREPLY[@]}\"").lines()
        .map(String::strip).toList();
    assertTrue(found.contains(completed), () -> typed + " is completed by " + found);
    assertTrue(Stream.of(found.toArray(String[]::new)).allMatch(one -> one.startsWith(words[words.length - 1])),
        found::toString);
  }

  private static String bash(String script) throws Exception {
    Process process = new ProcessBuilder("bash", "-c", script).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), "bash does not end");
    return out;
  }
}
