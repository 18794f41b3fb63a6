package dev.lethe.client.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import dev.lethe.client.console.Console;
import dev.lethe.client.console.Table;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine.Option;

/** In what form a command prints its result. What scripts read, {@code json} and {@code name}, has no other line. */
final class Output {

  /** By the names that users type. */
  enum Format { table, wide, json, name }

  /**
   * A column of a table.
   *
   * @param wide whether it is left out of the narrow one
   */
  record Column<M>(String title, boolean wide, Function<M, String> cell) {

    static <M> Column<M> of(String title, Function<M, String> cell) {
      return new Column<>(title, false, cell);
    }

    static <M> Column<M> wide(String title, Function<M, String> cell) {
      return new Column<>(title, true, cell);
    }
  }

  private static final Gson PLAIN = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final JsonFormat.Printer JSON = JsonFormat.printer().alwaysPrintFieldsWithNoPresence();

  @Option(names = {"-o", "--output"}, paramLabel = "FORMAT",
      description = "table, wide with more columns, json with the fields of docs/command-line.md, or name for names alone."
          + " Default: table; of a card, json.")
  private Format given;

  private Format format() {
    return given == null ? Format.table : given;
  }

  /** Whether the user said which. */
  boolean isGiven() {
    return given != null;
  }

  /** Whether people read it. */
  boolean isText() {
    return format() == Format.table || format() == Format.wide;
  }

  boolean isWide() {
    return format() == Format.wide;
  }

  boolean isNames() {
    return format() == Format.name;
  }

  boolean isJson() {
    return format() == Format.json;
  }

  /** All of them: a table, a JSON array, or names. */
  <M extends MessageOrBuilder> void list(Console console, List<M> all, List<Column<M>> columns,
      Function<M, String> name) {
    switch (format()) {
      case table, wide -> {
        List<Column<M>> shown = columns.stream().filter(column -> format() == Format.wide || !column.wide()).toList();
        Table table = new Table(shown.stream().map(Column::title).toArray(String[]::new));
        all.forEach(one -> table.row(shown.stream().map(column -> column.cell().apply(one)).toArray(String[]::new)));
        table.print(console.out());
      }
      case json -> console.out().println(all.isEmpty() ? "[]"
          : "[\n" + String.join(",\n", all.stream().map(one -> json(one, JSON)).toList()) + "\n]");
      case name -> all.forEach(one -> console.out().println(name.apply(one)));
    }
  }

  /** One of them: as {@code text} prints it, a JSON object, or its name. */
  <M extends MessageOrBuilder> void one(Console console, M message, Runnable text, String name) {
    switch (format()) {
      case table, wide -> text.run();
      case json -> console.out().println(json(message, JSON));
      case name -> console.out().println(name);
    }
  }

  /** A result that is no message of the protocol: as {@code text} prints it, a JSON object, or names, one a line. */
  void one(Console console, JsonObject result, Runnable text, List<String> names) {
    switch (format()) {
      case table, wide -> text.run();
      case json -> console.out().println(PLAIN.toJson(result));
      case name -> names.forEach(console.out()::println);
    }
  }

  /** Names of files, for such a result. */
  static JsonArray files(List<Path> files) {
    JsonArray array = new JsonArray();
    files.forEach(file -> array.add(file.toString()));
    return array;
  }

  /** A JSON object in one line, of a stream of them. */
  void line(Console console, MessageOrBuilder message) {
    console.out().println(json(message, JSON.omittingInsignificantWhitespace()));
  }

  private static String json(MessageOrBuilder message, JsonFormat.Printer printer) {
    try {
      return printer.print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("the protocol has no message that JSON cannot hold", e);
    }
  }
}
