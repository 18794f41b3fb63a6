package dev.lethe.server.config;

import java.util.Collection;
import java.util.Comparator;

/** Finds what somebody may have meant. */
final class Spelling {

  /** A suggestion is worth making for a key that differs from a known one in at most this many letters. */
  private static final int LARGEST_TYPO = 3;

  private Spelling() {}

  /** What to add to a message about a key that is unknown: the most alike of those known; empty if none is alike. */
  static String hint(String key, Collection<String> known) {
    return known.stream()
        .filter(candidate -> distance(key, candidate) <= LARGEST_TYPO)
        .min(Comparator.<String>comparingInt(candidate -> distance(key, candidate))
            .thenComparing(candidate -> candidate))
        .map(near -> "; did you mean " + near + "?").orElse("");
  }

  /** Levenshtein's: letters to put in, take out or change. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
