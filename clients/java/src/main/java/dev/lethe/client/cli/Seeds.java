package dev.lethe.client.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Seeds as a user writes them: {@code 7}, {@code 0-7} or {@code 1,4,10-12}.
 *
 * @param values each in [0, 2^32), as the unsigned 32 bits that the protocol sends
 */
record Seeds(List<Integer> values) {

  private static final long LARGEST = (1L << 32) - 1;
  private static final int MOST = 1 << 16;

  /** Reads the text form. */
  static final class Converter implements ITypeConverter<Seeds> {
    @Override
    public Seeds convert(String text) {
      List<Integer> values = new ArrayList<>();
      for (String part : text.split(",", -1)) {
        String[] ends = part.strip().split("-", -1);
        if (ends.length > 2) {
          throw wrong(text);
        }
        long first = seed(ends[0], text);
        long last = seed(ends[ends.length - 1], text);
        if (last < first || values.size() + (last - first) >= MOST) {
          throw wrong(text);
        }
        LongStream.rangeClosed(first, last).forEach(seed -> values.add((int) seed));
      }
      return new Seeds(values);
    }

    private static long seed(String digits, String text) {
      try {
        long seed = Long.parseLong(digits.strip());
        if (seed >= 0 && seed <= LARGEST) {
          return seed;
        }
      } catch (NumberFormatException e) {
        // reported below, with the whole text
      }
      throw wrong(text);
    }

    private static TypeConversionException wrong(String text) {
      return new TypeConversionException("'" + text + "' is no list of seeds: write for example 7, 0-7 or 1,4,10-12;"
          + " each from 0 to " + LARGEST + ", at most " + MOST);
    }
  }
}
