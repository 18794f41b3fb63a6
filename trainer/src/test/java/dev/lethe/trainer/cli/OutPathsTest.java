package dev.lethe.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.BundleName;
import dev.lethe.trainer.evaluation.EvaluateCommand;
import dev.lethe.trainer.evaluation.EvaluateFacesCommand;
import dev.lethe.trainer.speed.SpeedCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Where results cannot go is said before the work for them, in a line. */
class OutPathsTest {

  @TempDir
  private Path folder;

  private record Command(CommandLine line, List<String> words, boolean file) {}

  private Stream<Command> commands() {
    String missing = folder.resolve("missing").toString();
    return Map.of(
        ImportCommand.commandLine(), List.of(missing, "--name=mine"),
        TrainCommand.commandLine(), List.of("gan", "--data=" + missing, "--name=mine",
            "--run=" + missing),
        EvaluateCommand.commandLine(), List.of("--base=" + missing, "--models=" + missing,
            "--data=" + missing),
        EvaluateFacesCommand.commandLine(), List.of("--base=" + missing,
            "--data=" + missing, "--identity=" + missing, "--strangers=" + missing),
        ExportCommand.commandLine(), List.of(missing, ""),
        TrainCommand.commandLine(), List.of("features", "--data=" + missing, ""),
        SpeedCommand.commandLine(), List.of(""))
        .entrySet().stream().map(command -> new Command(command.getKey(),
            command.getValue().stream().filter(word -> !word.isEmpty()).toList(), command.getValue().contains("")));
  }

  private void refused(Command command, Path out, String words) {
    StringWriter err = new StringWriter();
    List<String> all = new ArrayList<>(command.words);
    all.add("--out=" + out);
    assertEquals(2, command.line.setErr(new PrintWriter(err, true)).execute(all.toArray(String[]::new)),
        () -> all + ": " + err);
    assertTrue(err.toString().startsWith("lethe: --out " + out) && err.toString().contains(words),
        () -> all + ": " + err);
  }

  /** A bundle that no server takes is not worth the hours either. */
  @ParameterizedTest
  @ValueSource(strings = {"a/b c", "", ".hidden", "../up", "caf\u00e9"})
  void namesThatNoServerTakesAreRefused(String name) {
    String missing = folder.resolve("missing").toString();
    for (String option : List.of("--name", "--version-name")) {
      for (Map.Entry<CommandLine, List<String>> command : Map.of(
          ImportCommand.commandLine(), List.of(missing),
          TrainCommand.commandLine(), List.of("gan", "--data=" + missing, "--run=" + missing)).entrySet()) {
        StringWriter err = new StringWriter();
        List<String> words = new ArrayList<>(command.getValue());
        words.add("--out=" + folder.resolve("out"));
        if (!option.equals("--name")) {
          words.add("--name=mine");
        }
        words.add(option + "=" + name);
        assertEquals(2, command.getKey().setErr(new PrintWriter(err, true)).execute(words.toArray(String[]::new)),
            err::toString);
        assertTrue(err.toString().startsWith("lethe: " + option + " \"" + name + "\" cannot be the name of a ")
            && err.toString().contains(BundleName.RULE), err::toString);
      }
    }
  }

  @Test
  void aFileThatIsNotWrittenAndOneInTheWayAreRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    commands().forEach(command -> {
      refused(command, folder.resolve("a.gif"), command.file ? "a .gif file is not what is written; name it ."
          : "is the name of a file, and files go into a folder");
      refused(command, file.resolve("below"), ": " + file + " is a file; name a folder");
      if (command.file) {
        refused(command, folder, "is a folder; name a file");
      } else {
        refused(command, file, "is a file; name a folder");
      }
    });
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(file), left.toList());
    }
  }
}
