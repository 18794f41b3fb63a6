package dev.lethe.models.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {

  @TempDir
  Path directory;

  /** As two servers that share a folder do when a version is promoted. */
  @Test
  void manyWriteTheSameFileAtOnce() throws Exception {
    Path file = directory.resolve("active");
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> writers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        byte[] content = ("v" + i).repeat(2000).getBytes(StandardCharsets.UTF_8);
        writers.add(pool.submit(() -> {
          for (int k = 0; k < 25; k++) {
            WholeFile.write(file, content);
          }
          return null;
        }));
      }
      for (Future<?> writer : writers) {
        writer.get();
      }
    } finally {
      pool.shutdownNow();
    }
    String last = Files.readString(file);
    assertEquals(last.substring(0, 2).repeat(2000), last);
    assertEquals(List.of("active"), names());
  }

  @Test
  void whatACrashedProcessLeftGoes() throws IOException {
    Path file = directory.resolve("active");
    Path crashed = Files.writeString(directory.resolve(".active.999999999-1.tmp"), "half");
    Files.setLastModifiedTime(crashed, FileTime.fromMillis(0));
    Path ofAnotherFile = Files.writeString(directory.resolve(".card.json.999999999-1.tmp"), "half");
    Files.setLastModifiedTime(ofAnotherFile, FileTime.fromMillis(0));
    Path another = Files.writeString(directory.resolve(".active.mine.tmp"), "not ours");
    WholeFile.write(file, new byte[] {1});
    assertFalse(Files.exists(crashed));
    assertFalse(Files.exists(ofAnotherFile));
    assertTrue(Files.exists(another));
  }

  @Test
  void whatCannotBeWrittenLeavesTheFileAsItWas() throws IOException {
    Path file = Files.writeString(directory.resolve("active"), "v1");
    assertThrows(IOException.class, () -> WholeFile.write(file, unfinished -> {
      Files.writeString(unfinished, "v");
      throw new IOException("no space");
    }));
    assertEquals("v1", Files.readString(file));
    assertEquals(List.of("active"), names());
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(found -> found.getFileName().toString()).sorted().toList();
    }
  }
}
