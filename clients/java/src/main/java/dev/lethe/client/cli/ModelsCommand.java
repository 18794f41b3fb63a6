package dev.lethe.client.cli;

import dev.lethe.client.LetheClient;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.Table;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.Erasure;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.PurgeResponse;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lethe models list|active|card|activate|retire|purge}. */
@Command(name = "models", description = "Shows models and their versions, and swaps versions.",
    synopsisSubcommandLabel = "COMMAND")
final class ModelsCommand {

  private static final DateTimeFormatter DAY = DateTimeFormatter.ISO_LOCAL_DATE.withZone(ZoneId.systemDefault());

  private final Console console;

  ModelsCommand(Console console) {
    this.console = console;
  }

  @Command(name = "list", description = "Lists the versions of all models, or of one.")
  int list(@Mixin ServerOptions server,
      @Parameters(paramLabel = "MODEL", arity = "0..1", defaultValue = "") String model) {
    try (LetheClient lethe = server.connect()) {
      Table table = new Table("MODEL", "VERSION", "STATE", "PARENT", "LACKS", "STILL HOLDS", "PURGED ON", "SIGNED");
      for (String name : model.isEmpty() ? lethe.models() : List.of(model)) {
        for (ModelVersion version : lethe.versions(name)) {
          table.row(version.getModel(), version.getVersion(),
              version.getState().name().replace("VERSION_STATE_", "").toLowerCase(Locale.ROOT),
              version.getParentVersion(), erasures(version.getLacksList()), erasures(version.getHoldsList()),
              version.hasPurgeDue() ? DAY.format(Instant.ofEpochSecond(version.getPurgeDue().getSeconds())) : "",
              version.getIsSigned() ? "yes" : "");
        }
      }
      table.print(console.out());
      return 0;
    }
  }

  private static String erasures(List<Erasure> erasures) {
    return erasures.stream().map(erasure -> what(erasure) + " (" + erasure.getId() + ")")
        .collect(Collectors.joining(", "));
  }

  private static String what(Erasure erasure) {
    return erasure.getClassesCount() > 0 ? String.join("+", erasure.getClassesList())
        : erasure.getImages() == 1 ? "1 image" : erasure.getImages() + " images";
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
      @Parameters(paramLabel = "VERSION") String version,
      @Option(names = "--override-reason", paramLabel = "TEXT", defaultValue = "",
          description = "Serve a retired version all the same, and say why; recorded with your name.") String reason) {
    try (LetheClient lethe = server.connect()) {
      ActivateResponse swapped = lethe.activate(model, version, reason);
      console.out().println("Version " + swapped.getVersion() + " of " + swapped.getModel()
          + " serves now, in place of " + swapped.getPreviousVersion() + ".");
      return 0;
    }
  }

  @Command(name = "retire", description = "Refuses a version to all clients from now on.")
  int retire(@Mixin ServerOptions server, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version,
      @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why; recorded with your name.")
      String reason) {
    try (LetheClient lethe = server.connect()) {
      ModelVersion retired = lethe.retire(model, version, reason);
      console.out().println("Version " + version + " of " + model + " is retired."
          + (retired.hasPurgeDue() ? " Its files are deleted on "
              + DAY.format(Instant.ofEpochSecond(retired.getPurgeDue().getSeconds())) + "; models purge does so now."
              : ""));
      return 0;
    }
  }

  @Command(name = "purge", description = "Deletes the files of a retired version. Its signatures and its report stay.")
  int purge(@Mixin ServerOptions server, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version) {
    try (LetheClient lethe = server.connect()) {
      PurgeResponse purged = lethe.purge(model, version);
      console.out().println(purged.getDeletedFilesCount() == 0 ? "Version " + version + " of " + model
          + " was purged before." : "Deleted of version " + version + " of " + model + ": "
              + String.join(", ", purged.getDeletedFilesList()) + ".");
      return 0;
    }
  }
}
