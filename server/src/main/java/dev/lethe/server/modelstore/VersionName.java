package dev.lethe.server.modelstore;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The order of versions, and the names of those that are made here. */
public final class VersionName {

  private static final Pattern UNLEARNED = Pattern.compile("(.+)-u(\\d{1,9})");
  private static final Pattern NUMBER_OR_TEXT = Pattern.compile("\\d+|\\D+");

  /** Numbers in names count as numbers: v2 comes before v10. */
  public static final Comparator<String> NATURAL = VersionName::compareNaturally;

  private VersionName() {}

  /**
   * The name of the next version unlearned from {@code base}: {@code v1} becomes {@code v1-u1}, and that {@code v1-u2}.
   *
   * @param taken names that exist
   */
  public static String next(String base, Collection<String> taken) {
    Matcher unlearned = UNLEARNED.matcher(base);
    String root = unlearned.matches() ? unlearned.group(1) : base;
    int number = 1;
    while (taken.contains(root + "-u" + number)) {
      number++;
    }
    return root + "-u" + number;
  }

  private static int compareNaturally(String a, String b) {
    List<String> left = NUMBER_OR_TEXT.matcher(a).results().map(r -> r.group()).toList();
    List<String> right = NUMBER_OR_TEXT.matcher(b).results().map(r -> r.group()).toList();
    for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
      String x = left.get(i);
      String y = right.get(i);
      boolean numbers = Character.isDigit(x.charAt(0)) && Character.isDigit(y.charAt(0));
      int order = numbers ? new BigInteger(x).compareTo(new BigInteger(y)) : x.compareTo(y);
      if (order != 0) {
        return order;
      }
    }
    int order = Integer.compare(left.size(), right.size());
    return order != 0 ? order : a.compareTo(b);
  }
}
