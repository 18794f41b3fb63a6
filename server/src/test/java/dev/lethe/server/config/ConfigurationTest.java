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
  private static final Setting<Integer> DOORS =
      new Setting<>("doors", "N", "2", ValueType.integer(0, 9), "Doors.");
  private static final Setting<Integer> FLOORS =
      new Setting<>("max-floors", "N", "1", ValueType.integer(1, 9), "Floors.");
  private static final List<Setting<?>> ALL = List.of(NAME, PORT, DOORS, FLOORS, COLOURS, SHINY);
  private static final Overrides PER_HOUSE = new Overrides("per-house", "house", ValueType.of(text -> {
    if (text.contains(" ")) {
      throw new IllegalArgumentException("must be one word");
    }
    return text;
  }), List.of(DOORS, FLOORS));

  @TempDir
  Path directory;

  private Configuration read(Map<String, String> flags, Map<String, String> environment, String yaml)
      throws IOException {
    Path file = Files.writeString(directory.resolve("lethe.yaml"), yaml);
    return Configuration.read(ALL, List.of(PER_HOUSE), new Configuration.Sources(flags, environment, Optional.of(file),
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
  void whatTheFileSaysOfOneGoesBeforeWhatHoldsForAll() throws IOException {
    Configuration all = read(Map.of("--doors", "5"), Map.of("LETHE_MAX_FLOORS", "7"),
        "per-house:\n  old.mill: {doors: 1}\n  barn: {max-floors: 3, doors: }\n  shed: {doors: }\n  hut:\n");
    assertEquals(List.of(), all.mistakes());
    assertEquals(5, all.get(DOORS));
    assertEquals(7, all.get(FLOORS));
    Map<String, Configuration> own = all.own(PER_HOUSE);
    assertEquals(Set.of("old.mill", "barn"), own.keySet());
    assertEquals(1, own.get("old.mill").get(DOORS));
    assertEquals(7, own.get("old.mill").get(FLOORS));
    assertEquals(5, own.get("barn").get(DOORS));
    assertEquals(3, own.get("barn").get(FLOORS));
    assertEquals(8080, own.get("barn").get(PORT));
    assertEquals("--doors", own.get("barn").where(DOORS));
    assertEquals(directory.resolve("lethe.yaml") + ":2", own.get("old.mill").where(DOORS));
    assertEquals(Map.of(), read(Map.of(), Map.of(), "per-house:\n").own(PER_HOUSE));
  }

  @Test
  void tellsAllMistakesInWhatIsSaidOfOne() throws IOException {
    Configuration wrong = read(Map.of(), Map.of(), String.join("\n",
        "per-huose: {barn: {doors: 1}}",
        "per-house.hut.doors: 1",
        "per-house:",
        "  max-floors: 3",
        "  barn:",
        "    doors: many",
        "    max-flors: 2",
        "    name: x",
        "    inner:",
        "      doors: 1",
        "  a mill:",
        "    doors: 1",
        "    max-floors: 10", ""));
    String file = directory.resolve("lethe.yaml").toString();
    assertEquals(List.of(
        file + ":1: per-huose.barn.doors is not a setting; did you mean per-house.barn.doors?",
        file + ":2: per-house.hut.doors is not a setting; under per-house, each house is a section of its own, with"
            + " any of doors, max-floors",
        file + ":4: per-house.max-floors is not a setting; under per-house, each house is a section of its own, with"
            + " any of doors, max-floors",
        file + ":10: per-house.barn.inner.doors is not a setting; under per-house, each house is a section of its own,"
            + " with any of doors, max-floors",
        file + ":6: per-house.barn.doors is \"many\"; it must be a whole number from 0 to 9",
        file + ":7: per-house.barn.max-flors is not a setting of one house; did you mean max-floors?",
        file + ":8: per-house.barn.name is not a setting of one house; there are doors, max-floors",
        file + ":12: per-house has \"a mill\"; it must be one word",
        file + ":13: per-house.a mill.max-floors is \"10\"; it must be a whole number from 1 to 9"),
        wrong.mistakes().stream().map(Mistake::toString).toList());
    assertFalse(wrong.own(PER_HOUSE).get("barn").isSound(DOORS));
    assertTrue(wrong.own(PER_HOUSE).get("barn").isSound(FLOORS));
  }

  @Test
  void tellsWhatIsWrongWithTheFile() throws IOException {
    assertTrue(only(read(Map.of(), Map.of(), "port: 1\nport: 2\n")).contains(":2: is not valid YAML: Duplicate"));
    assertTrue(only(read(Map.of(), Map.of(), "port: [1\n")).contains("is not valid YAML"));
    assertTrue(only(read(Map.of(), Map.of(), "- port\n")).contains("must hold KEY: VALUE lines"));
    assertTrue(only(read(Map.of(), Map.of(), "paint: {colours: [{a: b}]}\n")).contains("must be a plain value"));
    assertTrue(only(read(Map.of(), Map.of(), "paint.shiny: true\npaint:\n  shiny: false\n"))
        .matches(".*:3: paint.shiny is there twice, here and in .*:1"));
    Path missing = directory.resolve("missing.yaml");
    assertTrue(only(Configuration.read(ALL, List.of(PER_HOUSE), new Configuration.Sources(Map.of(), Map.of(),
        Optional.of(missing), Map.of()))).contains("missing.yaml: there is no such file"));
  }

  private static String only(Configuration configuration) {
    assertEquals(1, configuration.mistakes().size(), configuration.mistakes()::toString);
    return configuration.mistakes().get(0).toString();
  }

  @Test
  void whatItPrintsSaysTheSame() throws IOException {
    Configuration printed = read(Map.of("--name", "it's \"quoted\": #1"), Map.of("LETHE_PAINT_SHINY", "true"),
        "paint: {colours: [red, green]}\nper-house: {old.mill: {doors: 1, max-floors: 2}, barn: {doors: 3}}");
    String yaml = printed.toYaml();
    Configuration again = read(Map.of(), Map.of(), yaml);
    assertEquals(List.of(), again.mistakes(), yaml);
    for (Setting<?> setting : ALL) {
      assertEquals(printed.find(setting), again.find(setting), yaml);
    }
    assertEquals(Set.of("old.mill", "barn"), again.own(PER_HOUSE).keySet(), yaml);
    assertEquals(1, again.own(PER_HOUSE).get("old.mill").get(DOORS), yaml);
    assertEquals(2, again.own(PER_HOUSE).get("old.mill").get(FLOORS), yaml);
    assertEquals(3, again.own(PER_HOUSE).get("barn").get(DOORS), yaml);
    assertTrue(yaml.lines().anyMatch(line -> line.matches("    max-floors: 2 +# .*lethe.yaml:2")), yaml);
    assertTrue(yaml.lines().anyMatch(line -> line.matches("  shiny: true +# LETHE_PAINT_SHINY")), yaml);
    assertTrue(yaml.lines().anyMatch(line -> line.matches("port: 8080 +# default")), yaml);
  }
}
