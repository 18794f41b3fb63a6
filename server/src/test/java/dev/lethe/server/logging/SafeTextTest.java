package dev.lethe.server.logging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class SafeTextTest {

  @Test
  void whatEndsALineOrMovesTheCursorIsWrittenOut() {
    assertEquals("a\\nb\\rc\\td", SafeText.line("a\nb\rc\td", 100));
    assertEquals("\\u001b[2J\\u0000\\u0085", SafeText.line("\u001b[2J\0\u0085", 100));
    assertEquals("\\u2028\\u2029\\u202e\\ud800", SafeText.line("\u2028\u2029\u202e\ud800", 100));
    assertEquals("\\udb40\\udc41", SafeText.line("\udb40\udc41", 100));
  }

  @Test
  void allElseStaysAsItIs() {
    String text = "model \"Ünïcode 模型 😀\": {\"a\": 1} \\n";
    assertSame(text, SafeText.line(text, 100));
  }

  @Test
  void longTextsAreCutAndSayHowLongTheyWere() {
    assertEquals("aaaaa... (4000000 characters)", SafeText.bounded("a".repeat(4_000_000), 5));
    assertEquals("aaaaa", SafeText.bounded("aaaaa", 5));
    assertEquals("aaaa... (6 characters)", SafeText.bounded("aaaa😀", 5));
    assertEquals("a\\n... (3 characters)", SafeText.line("a\nb", 2));
  }

  @Test
  void passwordsOfUrlsAreLeftOut() {
    assertEquals("GET https://***@host/keys failed", SafeText.line("GET https://me:secret@host/keys failed", 100));
    assertEquals("https://host/keys?mail=a@b", SafeText.withoutPasswords("https://host/keys?mail=a@b"));
  }
}
