package dev.lethe.server.config;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * How the text of a setting becomes a value.
 *
 * @param <T> the value
 */
@FunctionalInterface
public interface ValueType<T> {

  /**
   * @throws IllegalArgumentException for a text that is not allowed; its message says what is: "must be ..."
   */
  T parse(String text);

  /** Any text that is not blank. */
  static ValueType<String> text() {
    return text -> {
      if (text.isBlank()) {
        throw new IllegalArgumentException("must not be blank");
      }
      return text;
    };
  }

  /** A text that a function reads; the message of its IllegalArgumentException says what is allowed. */
  static <T> ValueType<T> of(Function<String, T> reader) {
    return reader::apply;
  }

  static ValueType<Integer> integer(int least, int most) {
    return text -> {
      try {
        int value = Integer.parseInt(text.strip());
        if (value >= least && value <= most) {
          return value;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw new IllegalArgumentException("must be a whole number from " + least + " to " + most);
    };
  }

  static ValueType<Double> number(double least, double most) {
    return text -> {
      try {
        double value = Double.parseDouble(text.strip());
        if (value >= least && value <= most) {
          return value;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw new IllegalArgumentException("must be a number from " + least + " to " + most);
    };
  }

  static ValueType<Boolean> bool() {
    return text -> switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("must be true or false");
    };
  }

  /** A constant of an enum, by its name in lower case, with hyphens for underscores. */
  static <E extends Enum<E>> ValueType<E> oneOf(Class<E> type) {
    return text -> constant(type, text);
  }

  /** Constants of an enum, by such names between commas; none for a blank text. */
  static <E extends Enum<E>> ValueType<Set<E>> setOf(Class<E> type) {
    return text -> {
      Set<E> values = EnumSet.noneOf(type);
      if (!text.isBlank()) {
        Arrays.stream(text.split(",")).forEach(name -> values.add(constant(type, name)));
      }
      return values;
    };
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String text) {
    List<E> all = List.of(type.getEnumConstants());
    return all.stream().filter(one -> written(one).equals(text.strip()))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("must be of " + all.stream()
            .map(ValueType::written).collect(Collectors.joining(", "))));
  }

  private static String written(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
