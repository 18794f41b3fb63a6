package dev.lethe.bench.device;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/**
 * One row of a step's results: cells by the names of their columns, in order. A cell is a text or a number.
 *
 * <p>Rows that have {@value #TERAFLOPS} and {@value #ARITHMETIC} are given their share of the rate that a large matrix
 * product reaches in the same arithmetic.
 */
record Figures(Map<String, Object> cells) {

  static final String ARITHMETIC = "arithmetic";
  static final String TERAFLOPS = "TFLOP/s";
  static final String SHARE = "of the ceiling";
  static final String MILLIS = "ms";
  static final String PER_SECOND = "images/s";
  static final String BATCH = "batch";
  static final String NOTE = "note";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final double FLOPS_OF_A_MULTIPLY_ADD = 2;

  /** With cells in pairs of name and value. */
  static Figures of(Object... pairs) {
    Map<String, Object> cells = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      cells.put((String) pairs[i], pairs[i + 1]);
    }
    return new Figures(cells);
  }

  /** The same row with another cell at its end, or in place of that of the same name. */
  Figures with(String name, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(cells);
    more.put(name, value);
    return new Figures(more);
  }

  /** 10¹² operations a second, of multiply-add pairs a second. */
  static double teraflops(double multiplyAddsPerSecond) {
    return FLOPS_OF_A_MULTIPLY_ADD * multiplyAddsPerSecond / 1e12;
  }

  /** One line of JSON. */
  String json() {
    try {
      return JSON.writeValueAsString(cells);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** @throws IllegalArgumentException if the line is none that {@link #json} gives */
  static Figures parse(String json) {
    try {
      Map<String, Object> cells = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> cell : JSON.readTree(json).properties()) {
        JsonNode value = cell.getValue();
        cells.put(cell.getKey(), value.isIntegralNumber() ? (Object) value.asLong()
            : value.isNumber() ? (Object) value.asDouble() : value.asText());
      }
      return new Figures(cells);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e.getOriginalMessage(), e);
    }
  }

  /** A cell as people read it: three digits that count, or the text. */
  static String text(Object value) {
    if (!(value instanceof Double number)) {
      return String.valueOf(value);
    }
    double size = Math.abs(number);
    if (number == 0 || !Double.isFinite(number)) {
      return String.valueOf(number);
    }
    return String.format(Locale.ROOT, size < 1e-3 ? "%.1e" : size < 1 ? "%.3f" : size < 10 ? "%.2f" : size < 100
        ? "%.1f" : "%,.0f", number);
  }

  @Override
  public String toString() {
    StringJoiner line = new StringJoiner(", ");
    cells.forEach((name, value) -> line.add(name + " " + text(value)));
    return line.toString();
  }
}
