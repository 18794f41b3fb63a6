package dev.lethe.server.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationTest {

  private enum Colour { RED, GREEN }

  private static final Setting<Integer> PORT =
      new Setting<>("port", "PORT", "8080", ValueType.integer(0, 65535), "Port.");
  private static final Setting<Set<Colour>> COLOURS =
      new Setting<>("paint.colours", "LIST", null, ValueType.setOf(Colour.class), "Colours.");
  private static final Setting<Boolean> SHINY =
      new Setting<>("paint.shiny", "BOOLEAN", "false", ValueType.bool(), "Shiny.");
  private static final Setting<String> NAME = new Setting<>("name", "NAME", null, ValueType.text(), "Name.");
  private static final List<Setting<?>> ALL = List.of(NAME, PORT, COLOURS, SHINY);

  @TempDir
  Path directory;

  private Configuration read(Map<String, String> flags, Map<String, String> environment, String yaml)
      throws IOException {
    Path file = Files.writeString(directory.resolve("lethe.yaml"), yaml);
    return Configuration.read(ALL, new Configuration.Sources(flags, environment, Optional.of(file),
        Map.of("name", "from the script")));
  }

  @Test
  void flagsGoBeforeTheEnvironmentBeforeTheFileBeforeDefaults() throws IOException {
    Map<String, String> flags = Map.of("--port", "1");
    Map<String, String> environment = Map.of("LETHE_PORT", "2", "LETHE_PAINT_SHINY", "true", "LETHE_OTHER", "x");
    String yaml = "port: 3\npaint: {shiny: false, colours: [red, green]}\n";
    Configuration all = read(flags, environment, yaml);
    assertEquals(List.of(), all.mistakes());
    assertEquals(1, all.get(PORT));
    assertEquals(true, all.get(SHINY));
    assertEquals(Set.of(Colour.RED, Colour.GREEN), all.get(COLOURS));
    assertEquals("from the script", all.get(NAME));
    assertEquals(2, read(Map.of(), environment, yaml).get(PORT));
    assertEquals(3, read(Map.of(), Map.of(), yaml).get(PORT));
    assertEquals(8080, read(Map.of(), Map.of("LETHE_PORT", ""), "port:\n").get(PORT));
  }

  @Test
  void tellsAllMistakesAtOnce() throws IOException {
    Configuration wrong = read(Map.of("--port", "70000"), Map.of("LETHE_PAINT_SHINY", "very"),
        "prot: 80\npaint:\n  colours: [red, blue]\n  brushes: 3\nname: ' '\n");
    String file = directory.resolve("lethe.yaml").toString();
    assertEquals(List.of(
        file + ":1: prot is not a setting; did you mean port?",
        file + ":4: paint.brushes is not a setting",
        file + ":5: name is \" \"; it must not be blank",
        "--port: is \"70000\"; it must be a whole number from 0 to 65535",
        file + ":3: paint.colours is \"red,blue\"; it must be of red, green",
        "LETHE_PAINT_SHINY: is \"very\"; it must be true or false"),
        wrong.mistakes().stream().map(Mistake::toString).toList());
    assertFalse(wrong.isSound(PORT));
  }

  @Test
  void tellsWhatIsWrongWithTheFile() throws IOException {
    assertTrue(only(read(Map.of(), Map.of(), "port: 1\nport: 2\n")).contains(":2: is not valid YAML: Duplicate"));
    assertTrue(only(read(Map.of(), Map.of(), "port: [1\n")).contains("is not valid YAML"));
    assertTrue(only(read(Map.of(), Map.of(), "- port\n")).contains("must hold KEY: VALUE lines"));
    assertTrue(only(read(Map.of(), Map.of(), "paint: {colours: [{a: b}]}\n")).contains("must be a plain value"));
    Path missing = directory.resolve("missing.yaml");
    assertTrue(only(Configuration.read(ALL, new Configuration.Sources(Map.of(), Map.of(), Optional.of(missing),
        Map.of()))).contains("missing.yaml: there is no such file"));
  }

  private static String only(Configuration configuration) {
    assertEquals(1, configuration.mistakes().size(), configuration.mistakes()::toString);
    return configuration.mistakes().get(0).toString();
  }

  @Test
  void whatItPrintsSaysTheSame() throws IOException {
    Configuration printed = read(Map.of("--name", "it's \"quoted\": #1"), Map.of("LETHE_PAINT_SHINY", "true"),
        "paint: {colours: [red, green]}");
    String yaml = printed.toYaml();
    Configuration again = read(Map.of(), Map.of(), yaml);
    assertEquals(List.of(), again.mistakes(), yaml);
    for (Setting<?> setting : ALL) {
      assertEquals(printed.find(setting), again.find(setting), yaml);
    }
    assertTrue(yaml.lines().anyMatch(line -> line.matches("  shiny: true +# LETHE_PAINT_SHINY")), yaml);
    assertTrue(yaml.lines().anyMatch(line -> line.matches("port: 8080 +# default")), yaml);
  }
}
