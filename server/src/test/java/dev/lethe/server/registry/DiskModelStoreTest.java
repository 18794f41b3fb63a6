package dev.lethe.server.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.server.LogLines;
import dev.lethe.server.TinyBundles;
import dev.lethe.server.errors.DomainException.NotFound;
import dev.lethe.server.lifecycle.LifeEvent;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.lifecycle.TestLives;
import dev.lethe.server.modelstore.DiskModelStore;
import dev.lethe.server.modelstore.ModelStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskModelStoreTest {

  @TempDir
  Path root;

  private ModelStore repository;

  @BeforeEach
  void fill() throws IOException {
    TinyBundles.conditional(root.resolve("shipped"), "v2", 1);
    TinyBundles.conditional(root.resolve("shipped"), "v10", 2);
    repository = new DiskModelStore(root.resolve("shipped"), root.resolve("state"));
  }

  private String first() throws IOException {
    return new Succession("tiny", repository, TestLives.lifecycle(), TestLives.signatory(root)).first().card()
        .version();
  }

  @Test
  void lastVersionServesUntilOneIsNamed() throws IOException {
    assertEquals("v10", first());
    Files.writeString(root.resolve("shipped/tiny/active"), "v2\n");
    assertEquals("v2", first());
    repository.choose("tiny", "v10");
    assertEquals("v10", first());
    repository.choose("tiny", "v11");
    IOException missing = assertThrows(IOException.class, this::first);
    assertTrue(missing.getMessage().contains("v11") && missing.getMessage().contains("[v2, v10]"),
        missing.getMessage());
  }

  @Test
  void candidateMovesIntoTheStateDirectory() throws IOException {
    Bundle candidate = TinyBundles.conditional(root.resolve("job"), "v3", 3);
    Bundle installed = repository.install(candidate);
    assertEquals(root.resolve("state/tiny/v3").toAbsolutePath(), installed.directory());
    assertFalse(Files.exists(candidate.directory()));
    assertEquals(Set.of("v2", "v3", "v10"), repository.versions("tiny").keySet());
    // Nobody has promoted it.
    assertEquals("v10", first());
    Bundle again = TinyBundles.conditional(root.resolve("job"), "v3", 4);
    assertThrows(IOException.class, () -> repository.install(again));
    assertTrue(Bundle.isBundle(again.directory()));
  }

  @Test
  void aPurgeThatWasInterruptedIsFinished() throws IOException {
    Lifecycle lives = TestLives.lifecycle();
    Succession succession = new Succession("tiny", repository, lives, TestLives.signatory(root));
    for (String version : List.of("v11", "v12", "v13")) {
      Path folder = repository.install(TinyBundles.conditional(root.resolve("job"), version, 3)).directory();
      Files.writeString(folder.resolve("model.sig"), "proof");
      lives.record(new LifeEvent.Retired("tiny", version, "ann", "old", Instant.EPOCH));
    }
    repository.beginPurge(repository.versions("tiny").get("v11"));
    repository.beginPurge(repository.versions("tiny").get("v12"));
    assertEquals(Set.of("v2", "v10", "v13"), repository.versions("tiny").keySet());
    // As if the server had ended here, and again amid the deletion.
    Files.delete(root.resolve("state/tiny/v12").resolve(Bundle.MAPPING));
    assertTrue(succession.purge("v12", "bob").contains(Bundle.CARD));
    purged("v12", "bob", lives);
    succession.purgeOverdue(Instant.now());
    purged("v11", "server", lives);
    assertEquals(Set.of(), repository.purging("tiny"));
    assertEquals(List.of(), succession.purge("v11", "bob"));
    // What was deleted by hand is written down by order alone.
    Files.delete(root.resolve("state/tiny/v13").resolve(Bundle.CARD));
    succession.purgeOverdue(Instant.now());
    assertTrue(Files.exists(root.resolve("state/tiny/v13").resolve(Bundle.SYNTHESIS)));
    succession.purge("v13", "bob");
    purged("v13", "bob", lives);
    assertThrows(NotFound.class, () -> succession.purge("v14", "bob"));
  }

  private void purged(String version, String by, Lifecycle lives) throws IOException {
    assertEquals(by, lives.of("tiny").purged().get(version).by());
    try (Stream<Path> left = Files.list(root.resolve("state/tiny").resolve(version))) {
      assertEquals(List.of("model.sig"), left.map(file -> file.getFileName().toString()).toList());
    }
  }

  @Test
  void whatIsNoBundleIsLeftOut() throws IOException {
    Files.createDirectories(root.resolve("shipped/tiny/v99"));
    Files.createDirectories(root.resolve("shipped/empty"));
    Files.writeString(root.resolve("shipped/README.md"), "bundles");
    Path broken = Files.createDirectories(root.resolve("shipped/tiny/broken"));
    Files.writeString(broken.resolve("model.json"), "{");
    Path misplaced = root.resolve("shipped/tiny/v4");
    Files.move(TinyBundles.conditional(root.resolve("job"), "v3", 3).directory(), misplaced);
    assertEquals(List.of("v2", "v10"), List.copyOf(repository.versions("tiny").keySet()));
    assertEquals(Set.of("tiny"), repository.models());
    assertEquals(Set.of(), new DiskModelStore(root.resolve("no"), root.resolve("where")).models());
  }

  @Test
  void foldersThatCannotBeVersionsByTheirNameAreToldOnce() throws IOException {
    try (LogLines log = LogLines.of(DiskModelStore.class)) {
      Files.move(TinyBundles.conditional(root.resolve("job"), "v3", 3).directory(), root.resolve("shipped/tiny/v 3"));
      Files.createDirectories(root.resolve("shipped/tiny/-empty"));
      Files.move(TinyBundles.conditional(root.resolve("job"), "v4", 3).directory().getParent(),
          root.resolve("shipped/tiny+"));
      for (int i = 0; i < 3; i++) {
        assertEquals(Set.of("v2", "v10"), repository.versions("tiny").keySet());
        assertEquals(Set.of("tiny"), repository.models());
      }
      List<String> told = log.all();
      assertEquals(2, told.size(), told::toString);
      assertTrue(told.get(0).contains("shipped/tiny/v 3 cannot be a version by its name"), told.get(0));
      assertTrue(told.get(1).contains("shipped/tiny+ cannot be a model by its name"), told.get(1));
    }
  }
}
