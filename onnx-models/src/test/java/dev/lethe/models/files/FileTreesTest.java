package dev.lethe.models.files;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTreesTest {

  @TempDir private Path directory;

  @Test
  void severalMayDeleteTheSame() throws IOException {
    for (int round = 0; round < 20; round++) {
      Path tree = directory.resolve("tree" + round);
      for (int i = 0; i < 100; i++) {
        Files.writeString(Files.createDirectories(tree.resolve("folder" + i % 10)).resolve("file" + i), "x");
      }
      List<CompletableFuture<Void>> deletions = Stream.generate(() -> CompletableFuture.runAsync(() -> {
        try {
          FileTrees.delete(tree);
        } catch (IOException e) {
          throw new IllegalStateException(e);
        }
      })).limit(4).toList();
      deletions.forEach(CompletableFuture::join);
      assertFalse(Files.exists(tree));
    }
  }
}
