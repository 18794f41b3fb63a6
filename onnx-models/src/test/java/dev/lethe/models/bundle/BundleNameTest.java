package dev.lethe.models.bundle;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BundleNameTest {

  @Test
  void namesAreSafeAsDirectories() {
    assertTrue(BundleName.isValid("2026.1-u3_b"));
    for (String bad : List.of("", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a".repeat(65), "é")) {
      assertFalse(BundleName.isValid(bad), bad);
    }
  }
}
