package dev.lethe.models.bundle;

import java.util.regex.Pattern;

/** What models and versions may be called: their names are names of folders, and parts of addresses. */
public final class BundleName {

  /** The rule, to end a sentence with. */
  public static final String RULE = "up to 64 letters, digits, dots, underscores and hyphens, a letter or digit first";

  private static final Pattern VALID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  private BundleName() {}

  /** True for a name by {@link #RULE}. */
  public static boolean isValid(String name) {
    return VALID.matcher(name).matches();
  }
}
