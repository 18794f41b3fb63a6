package dev.lethe.client.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.lethe.client.LetheClient;
import dev.lethe.client.cli.Output.Column;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.Table;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.Erasure;
import dev.lethe.v1.GetActiveVersionResponse;
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
  /** Of a list that is printed whole. */
  private static final int MOST_VALUES = 20;

  private static final List<Column<ModelVersion>> COLUMNS = List.of(
      Column.of("MODEL", ModelVersion::getModel),
      Column.of("VERSION", ModelVersion::getVersion),
      Column.of("STATE", version -> version.getState().name().replace("VERSION_STATE_", "").toLowerCase(Locale.ROOT)),
      Column.of("PARENT", ModelVersion::getParentVersion),
      Column.of("LACKS", version -> erasures(version.getLacksList())),
      Column.of("STILL HOLDS", version -> erasures(version.getHoldsList())),
      Column.of("PURGED ON", version -> version.hasPurgeDue()
          ? DAY.format(Instant.ofEpochSecond(version.getPurgeDue().getSeconds())) : ""),
      Column.of("SIGNED", version -> version.getIsSigned() ? "yes" : ""),
      Column.wide("UNLEARNED", version -> String.join(",", version.getUnlearnedLabelsList())));

  private final Console console;

  ModelsCommand(Console console) {
    this.console = console;
  }

  @Command(name = "list", description = "Lists the versions of all models, or of one.")
  int list(@Mixin ServerOptions server, @Mixin Output output,
      @Parameters(paramLabel = "MODEL", arity = "0..1", defaultValue = "", description = "Default: all.") String model) {
    try (LetheClient lethe = server.connect()) {
      List<ModelVersion> versions = (model.isEmpty() ? lethe.models() : List.of(model)).stream()
          .flatMap(name -> lethe.versions(name).stream()).toList();
      output.list(console, versions, COLUMNS, version -> version.getModel() + "/" + version.getVersion());
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
  int active(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model) {
    try (LetheClient lethe = server.connect()) {
      String version = lethe.activeVersion(model);
      output.one(console, GetActiveVersionResponse.newBuilder().setModel(model).setVersion(version),
          () -> console.out().println(version), version);
      return 0;
    }
  }

  @Command(name = "card", aliases = {"get", "show"}, description = "Prints the model card (model.json) of a version.")
  int card(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION", arity = "0..1", defaultValue = "",
          description = "Default: the active one.") String version) {
    try (LetheClient lethe = server.connect()) {
      String text = lethe.card(model, version).stripTrailing();
      if (output.isJson() || !output.isGiven()) {
        console.out().println(text);
        return 0;
      }
      JsonObject card = JsonParser.parseString(text).getAsJsonObject();
      if (!output.isText()) {
        console.out().println(card.get("name").getAsString() + "/" + card.get("version").getAsString());
        return 0;
      }
      Table facts = new Table("FIELD", "VALUE");
      flatten("", card, facts);
      facts.print(console.out());
      return 0;
    }
  }

  /** A row for each value; long lists, such as latents, are told by their length. */
  private static void flatten(String prefix, JsonObject object, Table facts) {
    object.entrySet().forEach(member -> {
      String name = prefix + member.getKey();
      JsonElement value = member.getValue();
      if (value.isJsonObject()) {
        flatten(name + ".", value.getAsJsonObject(), facts);
      } else if (value.isJsonArray()) {
        List<JsonElement> values = value.getAsJsonArray().asList();
        boolean simple = values.size() <= MOST_VALUES && values.stream().allMatch(JsonElement::isJsonPrimitive);
        facts.row(name, simple ? String.join(", ", values.stream().map(JsonElement::getAsString).toList())
            : values.size() + " values");
      } else {
        facts.row(name, value.isJsonNull() ? "" : value.getAsString());
      }
    });
  }

  @Command(name = "activate", description = "Hot-swaps a model to a version: promotes a candidate, or rolls back.")
  int activate(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version,
      @Option(names = "--override-reason", paramLabel = "TEXT", defaultValue = "",
          description = "Serve a retired version all the same, and say why; recorded with your name. Default: a retired"
              + " version is refused.") String reason) {
    try (LetheClient lethe = server.connect()) {
      ActivateResponse swapped = lethe.activate(model, version, reason);
      output.one(console, swapped, () -> console.out().println("Version " + swapped.getVersion() + " of "
          + swapped.getModel() + " serves now" + (swapped.getPreviousVersion().isEmpty() ? ""
          : ", in place of " + swapped.getPreviousVersion()) + "."), swapped.getModel() + "/" + swapped.getVersion());
      return 0;
    }
  }

  @Command(name = "retire", description = "Refuses a version to all clients from now on.")
  int retire(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version,
      @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why; recorded with your name.")
      String reason) {
    try (LetheClient lethe = server.connect()) {
      ModelVersion retired = lethe.retire(model, version, reason);
      output.one(console, retired, () -> console.out().println("Version " + version + " of " + model + " is retired."
          + (retired.hasPurgeDue() ? " Its files are deleted on "
              + DAY.format(Instant.ofEpochSecond(retired.getPurgeDue().getSeconds())) + "; models purge does so now."
              : "")), model + "/" + version);
      return 0;
    }
  }

  @Command(name = "purge", description = "Deletes the files of a retired version. Its signatures and its report stay.")
  int purge(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model,
      @Parameters(paramLabel = "VERSION") String version) {
    try (LetheClient lethe = server.connect()) {
      PurgeResponse purged = lethe.purge(model, version);
      output.one(console, purged, () -> console.out().println(purged.getDeletedFilesCount() == 0 ? "Version " + version
          + " of " + model + " was purged before." : "Deleted of version " + version + " of " + model + ": "
              + String.join(", ", purged.getDeletedFilesList()) + "."), model + "/" + version);
      return 0;
    }
  }
}
