package dev.lethe.models.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lethe.models.bundle.Bundle;
import dev.lethe.models.bundle.ModelCard;
import dev.lethe.models.stylegan2.StyleGan2Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GanArchitectureTest {

  private static final Path SHIPPED = Path.of("bundles/mnist/v1");

  @Test
  void ofTheShippedModelIsStyleGan2() throws IOException {
    ModelCard card = Bundle.open(SHIPPED).card();
    assertInstanceOf(StyleGan2Architecture.class, GanArchitecture.of(card));
    assertEquals(card.architecture(), GanArchitecture.of(card).name());
  }

  @Test
  void anotherOneIsNamedBesideThoseThatAreKnown(@TempDir Path directory) throws IOException {
    String shipped = Files.readString(SHIPPED.resolve(Bundle.CARD));
    Files.writeString(directory.resolve(Bundle.CARD), shipped.replace("\"stylegan2\"", "\"biggan\""));
    ModelCard card = Bundle.open(directory).card();
    assertEquals(Optional.empty(), GanArchitecture.find(card));
    assertEquals("the architecture is biggan; this Lethe knows [stylegan2]",
        assertThrows(IllegalArgumentException.class, () -> GanArchitecture.of(card)).getMessage());
  }
}
