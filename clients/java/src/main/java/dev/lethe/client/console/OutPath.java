package dev.lethe.client.console;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Where a command is to write, looked at before it begins: what cannot be written there is not worth the wait. */
public final class OutPath {

  /** What a name ends in that is meant for a file. */
  private static final Pattern EXTENSION = Pattern.compile(".*(\\.(?:[A-Za-z][A-Za-z0-9]{1,4}|safetensors))");

  private OutPath() {}

  /**
   * @param out may be missing; then it is made
   * @param instead which names would do for files; empty if files of the command's own choice go into the folder
   * @throws ParameterException exit code 2, if no folder can be there, or the name is that of a file
   */
  public static void requireFolder(CommandSpec command, Path out, List<String> instead) {
    requireParents(command, out, out);
    if (!Files.isDirectory(out)) {
      extension(out).ifPresent(ending -> {
        throw new ParameterException(command.commandLine(), "--out " + out + (instead.isEmpty()
            ? " is the name of a file, and files go into a folder"
            : ": no " + ending + " files are written; there are " + String.join(", ", instead))
            + ". If it is to be a folder, make it first (mkdir)");
      });
    }
  }

  /** {@code .gif} of {@code a.gif}; empty of a name that is as good for a folder. */
  public static Optional<String> extension(Path path) {
    Matcher named = EXTENSION.matcher(String.valueOf(path.getFileName()));
    return named.matches() ? Optional.of(named.group(1)) : Optional.empty();
  }

  /** @throws ParameterException exit code 2, if no file can be there */
  public static void requireFile(CommandSpec command, Path out) {
    if (Files.isDirectory(out)) {
      throw new ParameterException(command.commandLine(), "--out " + out + " is a folder; name a file");
    }
    requireParents(command, out, out.toAbsolutePath().getParent());
  }

  /** The nearest of them that is there must be a folder that can be written to. */
  private static void requireParents(CommandSpec command, Path out, Path folder) {
    Path there = folder.toAbsolutePath();
    while (there.getParent() != null && !Files.exists(there)) {
      there = there.getParent();
    }
    String which = there.equals(out.toAbsolutePath()) ? "" : ": " + there;
    if (!Files.isDirectory(there)) {
      throw new ParameterException(command.commandLine(), "--out " + out + which + " is a file; name a folder");
    }
    if (!Files.isWritable(there)) {
      throw new ParameterException(command.commandLine(), "--out " + out + which + " may not be written to");
    }
  }
}
