package dev.lethe.client.cli;

import dev.lethe.v1.GeneratedImage;
import dev.lethe.v1.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Style mixing, as the reference's style_mixing.py: the image of row seed r and column seed c is made of r's w, but for
 * some layers, which take c's.
 *
 * @param rows seeds
 * @param columns seeds
 * @param layers that take the column's w, from 0, the coarsest
 */
record StyleMixing(Seeds rows, Seeds columns, Layers layers) {

  /** What the reference mixes where it is not told. */
  static final String DEFAULT_LAYERS = "0-6";

  /**
   * Layers as a user writes them: {@code 0-6} or {@code 0,2,8-11}.
   *
   * @param indices each 0 or more
   */
  record Layers(SortedSet<Integer> indices) {

    /** Reads the text form. */
    static final class Converter implements ITypeConverter<Layers> {

      private static final int LARGEST = 63;

      @Override
      public Layers convert(String text) {
        SortedSet<Integer> indices = new TreeSet<>();
        for (String part : text.split(",", -1)) {
          String[] ends = part.strip().split("-", -1);
          try {
            int first = Integer.parseInt(ends[0]);
            int last = Integer.parseInt(ends[ends.length - 1]);
            if (ends.length > 2 || first < 0 || last < first || last > LARGEST) {
              throw wrong(text);
            }
            for (int i = first; i <= last; i++) {
              indices.add(i);
            }
          } catch (NumberFormatException e) {
            throw wrong(text);
          }
        }
        return new Layers(indices);
      }

      private static TypeConversionException wrong(String text) {
        return new TypeConversionException("'" + text + "' is no list of layers: write for example 0-6 or 0,2,8-11; each "
            + "from 0, the coarsest, to " + LARGEST);
      }
    }
  }

  /** Every seed once: first those of rows, then those of columns. */
  List<Integer> seeds() {
    List<Integer> all = new ArrayList<>(rows.values());
    all.addAll(columns.values());
    return all;
  }

  /**
   * The w of each mixture, row by row.
   *
   * @param images of {@link #seeds}, in order, with their w [num_ws * w_dim]
   * @param wDim values of a layer
   * @throws IllegalArgumentException if the model has none of the layers
   */
  List<Vector> mixtures(List<GeneratedImage> images, int wDim) {
    int numWs = images.get(0).getW().getValuesCount() / wDim;
    if (layers.indices().first() >= numWs) {
      throw new IllegalArgumentException("--styles names layers from " + layers.indices().first() + " on; the model has "
          + numWs + ", 0 to " + (numWs - 1));
    }
    List<Vector> mixtures = new ArrayList<>();
    for (int r = 0; r < rows.values().size(); r++) {
      for (int c = 0; c < columns.values().size(); c++) {
        List<Float> row = images.get(r).getW().getValuesList();
        List<Float> column = images.get(rows.values().size() + c).getW().getValuesList();
        Vector.Builder mixed = Vector.newBuilder();
        for (int layer = 0; layer < numWs; layer++) {
          List<Float> from = layers.indices().contains(layer) ? column : row;
          mixed.addAllValues(from.subList(layer * wDim, (layer + 1) * wDim));
        }
        mixtures.add(mixed.build());
      }
    }
    return mixtures;
  }
}
