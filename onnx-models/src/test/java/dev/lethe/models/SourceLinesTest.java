package dev.lethe.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Lines of Java have up to 120 columns, as {@code .editorconfig} says; imports and text blocks as many as they need.
 */
class SourceLinesTest {

  private static final int COLUMNS = 120;
  private static final Path HOME = Path.of("..");
  private static final String TEXT_BLOCK = "\"\"\"";

  @Test
  void linesFitTheScreen() throws IOException {
    List<String> wide = new ArrayList<>();
    for (String module : List.of("proto", "onnx-models", "trainer", "server", "bench")) {
      Path sources = HOME.resolve(module).resolve("src");
      assertTrue(Files.isDirectory(sources), sources + " is not there");
      try (Stream<Path> files = Files.walk(sources)) {
        files.filter(file -> file.toString().endsWith(".java"))
            // Generated.
            .filter(file -> !file.toString().matches(".*/session/format/\\w+Table\\.java"))
            .forEach(file -> wide.addAll(wide(file)));
      }
    }
    assertEquals(List.of(), wide);
  }

  private static List<String> wide(Path file) {
    List<String> wide = new ArrayList<>();
    boolean text = false;
    int number = 0;
    try {
      for (String line : Files.readAllLines(file)) {
        number++;
        boolean before = text;
        text ^= line.split(TEXT_BLOCK, -1).length % 2 == 0;
        if (!before && !text && !line.startsWith("import ") && line.codePointCount(0, line.length()) > COLUMNS) {
          wide.add(HOME.relativize(file) + ":" + number);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return wide;
  }
}
