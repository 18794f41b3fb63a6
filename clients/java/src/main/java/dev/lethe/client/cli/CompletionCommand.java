package dev.lethe.client.cli;

import dev.lethe.client.console.Console;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code lethe completion}. */
@Command(name = "completion", description = "Prints a script that completes these commands in bash and zsh:%n"
    + "  source <(./lethe completion)")
final class CompletionCommand implements Runnable {

  private final Console console;

  @Spec
  private CommandSpec command;

  CompletionCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    console.out().print(AutoComplete.bash(command.root().name(), command.root().commandLine()));
    console.out().flush();
  }
}
