package dev.lethe.server.encryption;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lethe.models.encryption.FileCipher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MasterKeyTest {

  @TempDir
  Path root;

  @Test
  void theKeyIsMadeOnceForItsOwnerAlone() throws IOException {
    Path file = root.resolve("new/lethe.key");
    MasterKey first = MasterKey.open(null, file);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    byte[] key = FileCipher.newKey();
    String sealed = first.seal("job", key);
    MasterKey again = MasterKey.open(null, file);
    assertArrayEquals(key, again.open("job", sealed));
    assertEquals(first.digest("x"), again.digest("x"));
    assertNotEquals(first.digest("x"), again.digest("y"));
    assertThrows(IOException.class, () -> again.open("other", sealed));
    assertThrows(IOException.class, () -> again.open("job", "?"));
    MasterKey other = MasterKey.open("ab".repeat(32), file);
    assertThrows(IOException.class, () -> other.open("job", sealed));
    assertNotEquals(first.digest("x"), other.digest("x"));
    try (var files = Files.list(file.getParent())) {
      assertEquals(1, files.count());
    }
  }

  @Test
  void whatIsNoKeyIsRefusedAndNamed() throws IOException {
    Path file = Files.writeString(root.resolve("lethe.key"), "secret");
    IOException refusal = assertThrows(IOException.class, () -> MasterKey.open(null, file));
    assertTrue(refusal.getMessage().contains(file.toString()) && refusal.getMessage().contains("openssl rand -hex 32"),
        refusal.getMessage());
    assertTrue(assertThrows(IOException.class, () -> MasterKey.open("abc", file)).getMessage().startsWith("LETHE_KEY"));
  }
}
