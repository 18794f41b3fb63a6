package dev.lethe.trainer.console;

import dev.lethe.models.bundle.BundleName;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Names of the bundle that a command is to make, looked at before it begins: no server takes others. */
public final class BundleNames {

  private BundleNames() {}

  /**
   * @param model of option {@code --name}
   * @param version of option {@code --version-name}
   * @throws ParameterException if one cannot be such a name, saying what can
   */
  public static void require(CommandSpec command, String model, String version) {
    require(command, "--name", "a model", model);
    require(command, "--version-name", "a version", version);
  }

  private static void require(CommandSpec command, String option, String what, String name) {
    if (!BundleName.isValid(name)) {
      throw new ParameterException(command.commandLine(), option + " \"" + name + "\" cannot be the name of " + what
          + ", which has " + BundleName.RULE);
    }
  }
}
