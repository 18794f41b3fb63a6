package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.Table;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.ModelVersion;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lethe models list|active|card|activate}. */
@Command(name = "models", description = "Shows models and their versions, and swaps versions.",
    synopsisSubcommandLabel = "COMMAND")
final class ModelsCommand {

  private final Console console;

  ModelsCommand(Console console) {
    this.console = console;
  }

  @Command(name = "list", description = "Lists the versions of all models, or of one.")
  int list(@Mixin ServerOptions server,
      @Parameters(paramLabel = "MODEL", arity = "0..1", defaultValue = "") String model) {
    try (LetheClient lethe = server.connect()) {
      Table table = new Table("MODEL", "VERSION", "STATE", "PARENT", "UNLEARNED");
      for (String name : model.isEmpty() ? lethe.models() : List.of(model)) {
        for (ModelVersion version : lethe.versions(name)) {
          table.row(version.getModel(), version.getVersion(),
              version.getState().name().replace("VERSION_STATE_", "").toLowerCase(Locale.ROOT),
              version.getParentVersion(), String.join(",", version.getUnlearnedLabelsList()));
        }
      }
      table.print(console.out());
      return 0;
    }
  }

  @Command(name = "active", description = "Prints the version that takes new requests.")
  int active(@Mixin ServerOptions server, @Parameters(paramLabel = "MODEL") String model) {
    try (LetheClient lethe = server.connect()) {
      console.out().println(lethe.activeVersion(model));
      return 0;
    }
  }

  @Command(name = "card", description = "Prints the model card (model.json) of a version.")
  int card(@Mixin ServerOptions server, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION", arity = "0..1", defaultValue = "",
          description = "Default: the active one.") String version) {
    try (LetheClient lethe = server.connect()) {
      console.out().println(lethe.card(model, version).stripTrailing());
      return 0;
    }
  }

  @Command(name = "activate", description = "Hot-swaps a model to a version: promotes a candidate, or rolls back.")
  int activate(@Mixin ServerOptions server, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version) {
    try (LetheClient lethe = server.connect()) {
      ActivateResponse swapped = lethe.activate(model, version);
      console.out().println("Version " + swapped.getVersion() + " of " + swapped.getModel()
          + " serves now, in place of " + swapped.getPreviousVersion() + ".");
      return 0;
    }
  }
}
