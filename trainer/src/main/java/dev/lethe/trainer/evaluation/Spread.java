package dev.lethe.trainer.evaluation;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Objects;

/**
 * Mean and spread over seeds.
 *
 * @param deviation sample standard deviation; 0 of a single value
 */
record Spread(double mean, double deviation, int count) {

  /** Of the values that are not null. */
  static Spread of(Collection<Double> values) {
    double[] present = values.stream().filter(Objects::nonNull).mapToDouble(Double::doubleValue).toArray();
    double mean = Arrays.stream(present).average().orElse(Double.NaN);
    double squares = Arrays.stream(present).map(v -> (v - mean) * (v - mean)).sum();
    return new Spread(mean, present.length < 2 ? 0 : Math.sqrt(squares / (present.length - 1)), present.length);
  }

  /** Mean ± spread, or a dash where there is nothing. */
  String format(int digits) {
    if (count == 0) {
      return "–";
    }
    String number = "%." + digits + "f";
    return count == 1 ? String.format(Locale.ROOT, number, mean)
        : String.format(Locale.ROOT, number + " ± " + number, mean, deviation);
  }
}
