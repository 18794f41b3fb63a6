package dev.lethe.models.encryption;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class FileCipherTest {

  private static final byte[] PLAIN = "a picture of somebody".getBytes(StandardCharsets.UTF_8);

  private final FileCipher cipher = new FileCipher(FileCipher.newKey());

  @Test
  void whatIsSealedOpensUnderItsNameAlone() throws IOException {
    byte[] sealed = cipher.seal("a", PLAIN);
    assertEquals(PLAIN.length + 12 + 16, sealed.length);
    assertFalse(new String(sealed, StandardCharsets.ISO_8859_1).contains("picture"));
    assertArrayEquals(PLAIN, cipher.open("a", sealed));
    assertThrows(IOException.class, () -> cipher.open("b", sealed));
    assertThrows(IOException.class, () -> new FileCipher(FileCipher.newKey()).open("a", sealed));
    assertFalse(Arrays.equals(sealed, cipher.seal("a", PLAIN)), "a nonce was used twice");
  }

  @Test
  void anyChangedOrMissingByteIsSeen() {
    byte[] sealed = cipher.seal("a", PLAIN);
    for (int i = 0; i < sealed.length; i++) {
      byte[] changed = sealed.clone();
      changed[i] ^= 1;
      assertThrows(IOException.class, () -> cipher.open("a", changed));
      int length = i;
      assertThrows(IOException.class, () -> cipher.open("a", Arrays.copyOf(sealed, length)));
    }
  }

  @Test
  void keysHaveTheirLength() {
    assertThrows(IllegalArgumentException.class, () -> new FileCipher(new byte[16]));
  }
}
