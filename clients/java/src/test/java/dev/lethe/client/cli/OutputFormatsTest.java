package dev.lethe.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.lethe.client.FakeServer;
import dev.lethe.client.console.Console;
import dev.lethe.v1.ActivateResponse;
import dev.lethe.v1.GetActiveVersionResponse;
import dev.lethe.v1.Inspection;
import dev.lethe.v1.Job;
import dev.lethe.v1.ModelVersion;
import dev.lethe.v1.PurgeResponse;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * What scripts read: {@code -o json} and {@code -o name} of every verb print what {@code docs/command-line.md} says and
 * nothing else. The document's table of fields is made of the protocol and its descriptions in {@code
 * docs/openapi.json}; {@code mvn -pl clients/java test -Dtest=OutputFormatsTest -Dlethe.docs.write} writes it anew.
 */
@Timeout(60)
class OutputFormatsTest {

  private static final Path DOCS = Path.of("../../docs");
  private static final String BEGIN = "<!-- fields: made by OutputFormatsTest -->\n";
  private static final String END = "<!-- end of fields -->\n";

  /** How JSON comes: an object, an array of objects, or objects, one a line. */
  private enum Form { OBJECT, ARRAY, LINES }

  /**
   * @param message whose fields a JSON object has; null where {@code fields} says them
   * @param name what {@code -o name} prints
   */
  private record Verb(List<String> arguments, Form form, Descriptor message, Set<String> fields, String name) {

    static Verb of(Form form, Descriptor message, String name, String... arguments) {
      return new Verb(List.of(arguments), form, message, Set.of(), name);
    }

    static Verb of(Form form, Set<String> fields, String name, String... arguments) {
      return new Verb(List.of(arguments), form, null, fields, name);
    }
  }

  @TempDir
  private Path folder;

  /** By what the document calls it. */
  private Map<String, Verb> verbs(String image) {
    String out = folder.resolve("out").toString();
    Descriptor job = Job.getDescriptor();
    Descriptor version = ModelVersion.getDescriptor();
    Map<String, Verb> verbs = new LinkedHashMap<>();
    verbs.put("generate", Verb.of(Form.ARRAY, Set.of("file", "index", "version", "label", "seed"),
        out + "/0000-0-seed3.png", "generate", "--seeds=3", "--out=" + out));
    verbs.put("unlearn", Verb.of(Form.OBJECT, job, "job-1", "unlearn", image));
    verbs.put("unlearn --detach", Verb.of(Form.OBJECT, job, "job-1", "unlearn", "--detach", image));
    verbs.put("unlearn --dry-run", Verb.of(Form.OBJECT, Inspection.getDescriptor(), image, "unlearn", "--dry-run", image));
    verbs.put("project", Verb.of(Form.OBJECT, Set.of("model", "version", "error", "preparation", "files"),
        out + "/projected_w.npz", "project", image, "--out=" + out));
    verbs.put("jobs list", Verb.of(Form.ARRAY, job, "job-1", "jobs", "list"));
    verbs.put("jobs get", Verb.of(Form.OBJECT, job, "job-1", "jobs", "get", "job-1"));
    verbs.put("jobs watch", Verb.of(Form.LINES, job, "job-1", "jobs", "watch", "job-1"));
    for (String decision : List.of("approve", "reject", "retry", "cancel")) {
      verbs.put("jobs " + decision, Verb.of(Form.OBJECT, job, "job-1", "jobs", decision, "job-1"));
    }
    verbs.put("jobs delete", Verb.of(Form.OBJECT, Set.of("id"), "job-1", "jobs", "delete", "job-1"));
    verbs.put("models list", Verb.of(Form.ARRAY, version, "mnist/v1\nmnist/v2", "models", "list"));
    verbs.put("models active", Verb.of(Form.OBJECT, GetActiveVersionResponse.getDescriptor(), "v2", "models", "active",
        "mnist"));
    verbs.put("models card", Verb.of(Form.OBJECT, Set.of("name", "network"), null, "models", "card", "mnist"));
    verbs.put("models activate", Verb.of(Form.OBJECT, ActivateResponse.getDescriptor(), "mnist/v1", "models", "activate",
        "mnist", "v1"));
    verbs.put("models retire", Verb.of(Form.OBJECT, version, "mnist/v1", "models", "retire", "mnist", "v1", "--reason=why"));
    verbs.put("models purge", Verb.of(Form.OBJECT, PurgeResponse.getDescriptor(), "mnist/v1", "models", "purge", "mnist",
        "v1"));
    verbs.put("certificate", Verb.of(Form.OBJECT, Set.of("model", "version", "files"), "mnist/v1", "certificate", "job-1",
        "--out=" + out));
    verbs.put("wait", Verb.of(Form.LINES, job, "job-1", "wait", "job-1"));
    return verbs;
  }

  @Test
  void everyVerbPrintsWhatTheDocumentSays() throws IOException {
    Path image = folder.resolve("a.png");
    ImageIO.write(new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY), "png", image.toFile());
    String document = Files.readString(DOCS.resolve("command-line.md"));
    Map<String, Verb> verbs = verbs(image.toString());
    assertEquals(leaves(Main.commandLine(Console.system()), "").sorted().toList(),
        verbs.keySet().stream().map(name -> name.replaceAll(" --.*", "")).distinct().sorted().toList(),
        "every verb, and no other");
    for (Map.Entry<String, Verb> each : verbs.entrySet()) {
      Verb verb = each.getValue();
      String row = document.lines().filter(line -> line.startsWith("| `" + each.getKey() + "` |")).findFirst()
          .orElseThrow(() -> new AssertionError("docs/command-line.md has no row of " + each.getKey()));
      assertTrue(row.contains(switch (verb.form()) {
        case OBJECT -> "| object";
        case ARRAY -> "| array";
        case LINES -> "| a line";
      }), row);
      (verb.message() == null ? verb.fields() : Set.of(verb.message().getName())).stream()
          // A card is the model's own file.
          .filter(name -> !each.getKey().equals("models card"))
          .forEach(name -> assertTrue(row.contains("`" + name + "`"), () -> row + " is to name " + name));
      for (JsonObject object : objects(verb.form(), run(verb, "json"))) {
        TreeSet<String> printed = new TreeSet<>(object.keySet());
        TreeSet<String> known = new TreeSet<>(verb.message() == null ? verb.fields()
            : verb.message().getFields().stream().map(FieldDescriptor::getJsonName).toList());
        TreeSet<String> always = new TreeSet<>(verb.message() == null ? verb.fields()
            : verb.message().getFields().stream().filter(field -> !field.hasPresence())
                .map(FieldDescriptor::getJsonName).toList());
        assertTrue(known.containsAll(printed), () -> each.getKey() + " prints " + printed + ", not only " + known);
        assertTrue(printed.containsAll(always), () -> each.getKey() + " prints " + printed + ", not all of " + always);
      }
      if (verb.name() != null) {
        assertEquals(verb.name(), run(verb, "name").strip(), each.getKey());
      }
    }
  }

  private static Stream<String> leaves(CommandLine command, String prefix) {
    return command.getSubcommands().entrySet().stream()
        // Other names of the same.
        .filter(one -> one.getKey().equals(one.getValue().getCommandName()) && !one.getKey().equals("completion"))
        .flatMap(one -> one.getValue().getSubcommands().isEmpty() ? Stream.of(prefix + one.getKey())
            : leaves(one.getValue(), prefix + one.getKey() + " "));
  }

  private String run(Verb verb, String form) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    try (FakeServer server = new FakeServer()) {
      List<String> all = new ArrayList<>(verb.arguments());
      all.addAll(List.of("--server=" + server.address(), "-o", form));
      // What is active first is told by some verbs.
      server.activate(verb.arguments().contains("active") ? "v2" : "v1");
      int code = Main.commandLine(new Console(new PrintStream(out, true), new PrintStream(err, true), 0))
          .execute(all.toArray(String[]::new));
      assertEquals(0, code, () -> all + ": " + err);
      assertEquals("", err.toString(), all.toString());
    }
    return out.toString();
  }

  private static List<JsonObject> objects(Form form, String text) {
    return switch (form) {
      case OBJECT -> List.of(JsonParser.parseString(text).getAsJsonObject());
      case ARRAY -> {
        JsonArray array = JsonParser.parseString(text).getAsJsonArray();
        assertTrue(array.size() > 0, text);
        yield array.asList().stream().map(JsonElement::getAsJsonObject).toList();
      }
      case LINES -> text.lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    };
  }

  @Test
  void theDocumentListsTheFields() throws IOException {
    Path file = DOCS.resolve("command-line.md");
    String document = Files.readString(file);
    int begin = document.indexOf(BEGIN) + BEGIN.length();
    int end = document.indexOf(END);
    String made = fields();
    if (System.getProperty("lethe.docs.write") != null) {
      Files.writeString(file, document.substring(0, begin) + made + document.substring(end));
      return;
    }
    assertEquals(made, document.substring(begin, end),
        "docs/command-line.md is older than the protocol; see this class for how to write it anew");
  }

  /** A table for each message that a verb prints, and for those within them. */
  private static String fields() throws IOException {
    JsonObject schemas = JsonParser.parseString(Files.readString(DOCS.resolve("openapi.json"))).getAsJsonObject()
        .getAsJsonObject("components").getAsJsonObject("schemas");
    Set<Descriptor> messages = new LinkedHashSet<>();
    for (Descriptor message : List.of(Job.getDescriptor(), ModelVersion.getDescriptor(), ActivateResponse.getDescriptor(),
        GetActiveVersionResponse.getDescriptor(), PurgeResponse.getDescriptor(), Inspection.getDescriptor())) {
      collect(message, messages);
    }
    StringBuilder text = new StringBuilder();
    for (Descriptor message : messages) {
      text.append("\n### ").append(message.getName()).append("\n\n| field | type | |\n| --- | --- | --- |\n");
      JsonObject properties = schemas.getAsJsonObject(message.getName()).getAsJsonObject("properties");
      for (FieldDescriptor field : message.getFields()) {
        JsonObject schema = properties.getAsJsonObject(field.getJsonName());
        text.append("| `").append(field.getJsonName()).append("` | ").append(type(field))
            .append(field.hasPresence() ? ", optional" : "").append(" | ")
            .append(schema.has("description") ? schema.get("description").getAsString().replace("|", "\\|") : "")
            .append(" |\n");
      }
    }
    return text.append('\n').toString();
  }

  private static void collect(Descriptor message, Set<Descriptor> messages) {
    if (message.getFile().getPackage().equals("lethe.v1") && !message.getOptions().getMapEntry() && messages.add(message)) {
      message.getFields().stream().filter(field -> field.getJavaType() == FieldDescriptor.JavaType.MESSAGE)
          .forEach(field -> collect(field.getMessageType(), messages));
    }
  }

  private static String type(FieldDescriptor field) {
    String one = switch (field.getJavaType()) {
      case INT, FLOAT, DOUBLE -> "number";
      case LONG -> "string of a whole number";
      case BOOLEAN -> "boolean";
      case STRING -> "string";
      case BYTE_STRING -> "string of base64";
      case ENUM -> field.getEnumType().getValues().stream().skip(1).map(value -> "`" + value.getName() + "`")
          .collect(Collectors.joining(", "));
      case MESSAGE -> field.isMapField() ? "object of numbers by name"
          : field.getMessageType().getFullName().equals("google.protobuf.Timestamp") ? "string of a time, RFC 3339"
              : "[" + field.getMessageType().getName() + "](#" + field.getMessageType().getName().toLowerCase(Locale.ROOT)
                  + ")";
    };
    return field.isRepeated() && !field.isMapField() ? "array of " + one : one;
  }
}
