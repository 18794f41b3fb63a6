package dev.lethe.server.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** The texts of a YAML file of nested sections, by their keys with dots between; a list's items have commas between. */
final class YamlFile {

  private static final YAMLFactory YAML = YAMLFactory.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .build();

  /**
   * @param path the key of each section around it, then its own; any of them may have dots
   * @param text the value; empty if the file leaves it so
   * @param where the file and line
   */
  record Entry(List<String> path, String text, String where) {}

  private final Path file;
  private final List<Mistake> mistakes;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private YamlFile(Path file, List<Mistake> mistakes) {
    this.file = file;
    this.mistakes = mistakes;
  }

  /** Reads what can be read; what cannot goes to the mistakes. */
  static Map<String, Entry> read(Path file, List<Mistake> mistakes) {
    YamlFile yaml = new YamlFile(file, mistakes);
    try (JsonParser parser = YAML.createParser(Files.newBufferedReader(file))) {
      JsonToken first = parser.nextToken();
      if (first == JsonToken.START_OBJECT) {
        yaml.section(parser, List.of());
      } else if (first != null && first != JsonToken.VALUE_NULL) {
        mistakes.add(new Mistake(yaml.where(parser), "must hold KEY: VALUE lines"));
      }
    } catch (NoSuchFileException e) {
      mistakes.add(new Mistake(file.toString(), "there is no such file"));
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 1 : e.getLocation().getLineNr();
      mistakes.add(new Mistake(file + ":" + line, "is not valid YAML: " + e.getOriginalMessage().lines().findFirst()
          .orElse("")));
    } catch (IOException e) {
      mistakes.add(new Mistake(file.toString(), "cannot be read: " + e.getMessage()));
    }
    return yaml.entries;
  }

  private void section(JsonParser parser, List<String> around) throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      List<String> path = new ArrayList<>(around);
      path.add(parser.currentName());
      String where = where(parser);
      switch (parser.nextToken()) {
        case START_OBJECT -> section(parser, path);
        case START_ARRAY -> put(path, list(parser, String.join(".", path)), where);
        case VALUE_NULL -> put(path, "", where);
        default -> put(path, parser.getText(), where);
      }
    }
  }

  private void put(List<String> path, String text, String where) {
    String key = String.join(".", path);
    Entry before = entries.put(key, new Entry(List.copyOf(path), text, where));
    if (before != null) {
      mistakes.add(new Mistake(where, key + " is there twice, here and in " + before.where()));
    }
  }

  private String list(JsonParser parser, String key) throws IOException {
    StringJoiner items = new StringJoiner(",");
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken().isScalarValue()) {
        items.add(parser.getText());
      } else {
        mistakes.add(new Mistake(where(parser), key + ": an item of a list must be a plain value"));
        parser.skipChildren();
      }
    }
    return items.toString();
  }

  private String where(JsonParser parser) {
    return file + ":" + parser.currentTokenLocation().getLineNr();
  }
}
