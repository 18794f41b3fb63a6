package dev.lethe.client.console;

import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server's words in those of the command line: what is a field and a constant to a client of the API is an option and
 * its value to who types a command.
 */
public final class OptionWords {

  private static final Pattern FIELD = Pattern.compile("^spec\\.(?:gates\\.)?([a-z][a-z0-9_]*)(?=[:\\[])");
  /** {@code let bad_images be SKIP}, {@code set kind to CLASS}, {@code use recipe LETHE}, {@code kind ITEM}. */
  private static final Pattern CHOICE = Pattern.compile(
      "\\b(?:(?<let>let|set) )?(?<field>bad_images|mode|kind|recipe|fit|substitute)(?: be| to)? (?<value>[A-Z][A-Z_]+)\\b");
  private static final Pattern NO_CLASSES = Pattern.compile("(, label: .* has no classes); leave it empty");

  private final Predicate<String> options;

  /** @param options whether the command has one of this name, with its two hyphens */
  public OptionWords(Predicate<String> options) {
    this.options = options;
  }

  /** The same words, with options in place of fields that the command has them for. */
  public String of(String words) {
    String text = FIELD.matcher(words).replaceAll(field -> Matcher.quoteReplacement(
        options.test(option(field.group(1))) ? option(field.group(1)) : field.group()));
    text = CHOICE.matcher(text).replaceAll(choice -> {
      String option = option(choice.group(2));
      String value = choice.group(3).toLowerCase(Locale.ROOT).replace('_', '-');
      return Matcher.quoteReplacement(!options.test(option) ? choice.group()
          : (choice.group(1) == null ? "" : "say ") + option + " " + value);
    });
    return options.test("--label") ? NO_CLASSES.matcher(text).replaceAll("$1; leave out --label, or say --label '' if "
        + "names of sub-folders are meant for none") : text;
  }

  private static String option(String field) {
    return "--" + field.replace('_', '-');
  }
}
