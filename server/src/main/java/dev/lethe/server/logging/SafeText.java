package dev.lethe.server.logging;

import java.util.regex.Pattern;

/** Texts that others have written, made fit for a line of a log. */
public final class SafeText {

  /** Of a name: a model, a version, a principal. */
  public static final int NAME = 256;
  /** Of all else. */
  public static final int MESSAGE = 8192;

  private static final Pattern PASSWORD = Pattern.compile("(?<=://)[^/?#@\\s\"]+@");

  private SafeText() {}

  /** The same without the names and passwords of URLs in it. */
  public static String withoutPasswords(String text) {
    return text.contains("://") ? PASSWORD.matcher(text).replaceAll("***@") : text;
  }

  /** Not more than {@code most} characters of a text, and how many it has if these are not all. */
  public static String bounded(String text, int most) {
    if (text.length() <= most) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most;
    return text.substring(0, end) + "... (" + text.length() + " characters)";
  }

  /**
   * The same without passwords, and nothing in it ends the line or moves a terminal's cursor: control and format
   * characters, separators of lines and halves of characters are written as Java and JSON write them.
   */
  public static String line(String text, int most) {
    String bounded = withoutPasswords(bounded(text, most));
    StringBuilder line = null;
    for (int i = 0; i < bounded.length(); i += Character.charCount(bounded.codePointAt(i))) {
      int character = bounded.codePointAt(i);
      if (line == null && !isUnsafe(character)) {
        continue;
      }
      if (line == null) {
        line = new StringBuilder(bounded.length() + 16).append(bounded, 0, i);
      }
      append(line, character);
    }
    return line == null ? bounded : line.toString();
  }

  private static boolean isUnsafe(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE -> true;
      default -> false;
    };
  }

  private static void append(StringBuilder line, int character) {
    if (!isUnsafe(character)) {
      line.appendCodePoint(character);
      return;
    }
    switch (character) {
      case '\n' -> line.append("\\n");
      case '\r' -> line.append("\\r");
      case '\t' -> line.append("\\t");
      default -> {
        for (char half : Character.toChars(character)) {
          line.append("\\u%04x".formatted((int) half));
        }
      }
    }
  }
}
