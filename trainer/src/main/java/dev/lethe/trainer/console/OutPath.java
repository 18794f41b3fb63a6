package dev.lethe.trainer.console;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Where a command is to write, looked at before it begins: what cannot be written there is not worth the hours. */
public final class OutPath {

  /** What a name ends in that is meant for a file. */
  private static final Pattern EXTENSION = Pattern.compile(".*(\\.(?:[A-Za-z][A-Za-z0-9]{1,4}|safetensors))");

  private OutPath() {}

  /**
   * @param option that names it
   * @param out may be missing; then it is made
   * @throws ParameterException if no folder can be there, or the name is that of a file
   */
  public static void requireFolder(CommandSpec command, String option, Path out) {
    requireParents(command, option, out, out);
    Matcher named = EXTENSION.matcher(String.valueOf(out.getFileName()));
    if (!Files.isDirectory(out) && named.matches()) {
      throw wrong(command, option, out,
          " is the name of a file, and files go into a folder. If it is to be a folder, make it"
          + " first (mkdir)");
    }
  }

  /**
   * @param extensions that its name may have, if it has one
   * @throws ParameterException if no file of that name can be there
   */
  public static void requireFile(CommandSpec command, String option, Path out, List<String> extensions) {
    if (Files.isDirectory(out)) {
      throw wrong(command, option, out, " is a folder; name a file");
    }
    Matcher named = EXTENSION.matcher(String.valueOf(out.getFileName()));
    if (named.matches() && !extensions.contains(named.group(1).toLowerCase(Locale.ROOT))) {
      throw wrong(command, option, out, ": a " + named.group(1) + " file is not what is written; name it "
          + String.join(" or ", extensions));
    }
    requireParents(command, option, out, out.toAbsolutePath().getParent());
  }

  /** The nearest of them that is there must be a folder that can be written to. */
  private static void requireParents(CommandSpec command, String option, Path out, Path folder) {
    Path there = folder.toAbsolutePath();
    while (there.getParent() != null && !Files.exists(there)) {
      there = there.getParent();
    }
    String which = there.equals(out.toAbsolutePath()) ? "" : ": " + there;
    if (!Files.isDirectory(there)) {
      throw wrong(command, option, out, which + " is a file; name a folder");
    }
    if (!Files.isWritable(there)) {
      throw wrong(command, option, out, which + " may not be written to");
    }
  }

  private static ParameterException wrong(CommandSpec command, String option, Path out, String why) {
    return new ParameterException(command.commandLine(), option + " " + out + why);
  }
}
