package dev.lethe.client.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.lethe.client.LetheClient;
import dev.lethe.client.cli.Output.Column;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.Table;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.GetActiveVersionResponse;
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

  /** Of a list that is printed whole. */
  private static final int MOST_VALUES = 20;

  private static final List<Column<ModelVersion>> COLUMNS = List.of(
      Column.of("MODEL", ModelVersion::getModel),
      Column.of("VERSION", ModelVersion::getVersion),
      Column.of("STATE", version -> version.getState().name().replace("VERSION_STATE_", "").toLowerCase(Locale.ROOT)),
      Column.of("PARENT", ModelVersion::getParentVersion),
      Column.of("UNLEARNED", version -> String.join(",", version.getUnlearnedLabelsList())));

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

  @Command(name = "active", description = "Prints the version that takes new requests.")
  int active(@Mixin ServerOptions server, @Mixin Output output, @Parameters(paramLabel = "MODEL") String model) {
    try (LetheClient lethe = server.connect()) {
      String version = lethe.activeVersion(model);
      output.one(console, GetActiveVersionResponse.newBuilder().setModel(model).setVersion(version),
          () -> console.out().println(version), version);
      return 0;
    }
  }

  @Command(name = "card", description = "Prints the model card (model.json) of a version.")
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
      @Parameters(paramLabel = "VERSION") String version) {
    try (LetheClient lethe = server.connect()) {
      ActivateResponse swapped = lethe.activate(model, version);
      output.one(console, swapped, () -> console.out().println("Version " + swapped.getVersion() + " of "
          + swapped.getModel() + " serves now" + (swapped.getPreviousVersion().isEmpty() ? ""
          : ", in place of " + swapped.getPreviousVersion()) + "."), swapped.getModel() + "/" + swapped.getVersion());
      return 0;
    }
  }
}
