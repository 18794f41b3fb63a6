package dev.lethe.trainer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What scripts/ runs with this module's classes is compiled by nothing else, and would go stale unseen. */
class ScriptSourcesTest {

  @TempDir
  private Path classes;

  @Test
  void compile() throws IOException {
    List<Path> sources;
    try (Stream<Path> files = Files.list(Path.of("..", "scripts"))) {
      sources = files.filter(file -> file.toString().endsWith(".java")).toList();
    }
    assertTrue(sources.size() >= 2, sources::toString);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter errors = new StringWriter();
    try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
      assertEquals(true, compiler.getTask(errors, manager, null,
          List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none"), null,
          manager.getJavaFileObjectsFromPaths(sources)).call(), errors::toString);
    }
  }
}
