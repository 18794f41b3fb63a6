package dev.lethe.models.image;

import dev.lethe.models.image.Orientation.Window;

/**
 * Resizes by Lanczos's filter of three lobes, stretched where an image is made smaller, so that every pixel counts:
 * what data sets of StyleGAN are prepared with. Row by row, so that no second copy of a large image is made.
 */
final class Lanczos {

  private static final double LOBES = 3;

  /** Gives row y, [C][width]: values from 0 to 255. */
  interface Rows {
    void read(int y, float[][] row);
  }

  private Lanczos() {}

  /**
   * Resizes a rectangle of an image.
   *
   * @param rows of the whole image, each asked for once, in order
   * @param width of the whole image
   * @param downFirst the other way round: of what lies on its side in the file
   * @return [C, toHeight, toWidth]
   */
  static byte[] resize(Rows rows, int channels, int width, Window from, int toWidth, int toHeight, boolean downFirst) {
    Weights across = Weights.of(from.left(), from.width(), toWidth);
    Weights down = Weights.of(from.top(), from.height(), toHeight);
    float[][] row = new float[channels][width];
    float[][] narrow = new float[channels][toWidth];
    // Of each line of the result, what the rows so far add up to.
    int line = downFirst ? width : toWidth;
    float[][] sums = new float[channels * toHeight][line];
    int first = 0;
    for (int y = from.top(); y < from.top() + from.height(); y++) {
      rows.read(y, row);
      if (!downFirst) {
        for (int c = 0; c < channels; c++) {
          across.apply(row[c], narrow[c]);
          clamp(narrow[c]);
        }
      }
      while (first < toHeight && down.end(first) <= y) {
        first++;
      }
      for (int out = first; out < toHeight && down.start(out) <= y; out++) {
        float weight = down.at(out, y);
        for (int c = 0; c < channels; c++) {
          float[] sum = sums[c * toHeight + out];
          float[] values = downFirst ? row[c] : narrow[c];
          for (int x = 0; x < line; x++) {
            sum[x] += weight * values[x];
          }
        }
      }
    }
    byte[] bytes = new byte[channels * toHeight * toWidth];
    for (int i = 0; i < sums.length; i++) {
      float[] values = sums[i];
      clamp(values);
      if (downFirst) {
        across.apply(values, narrow[0]);
        values = narrow[0];
        clamp(values);
      }
      for (int x = 0; x < toWidth; x++) {
        bytes[i * toWidth + x] = (byte) Math.round(values[x]);
      }
    }
    return bytes;
  }

  /** As Pillow has it, which data sets are prepared with: what the filter overshoots does not reach the next pass. */
  private static void clamp(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.max(0, Math.min(255, values[i]));
    }
  }

  /** What each pixel of a line of the result takes of the pixels of the original. */
  private record Weights(int[] starts, float[][] values) {

    static Weights of(int from, int size, int to) {
      double scale = size / (double) to;
      double stretch = Math.max(1, scale);
      int[] starts = new int[to];
      float[][] values = new float[to][];
      for (int i = 0; i < to; i++) {
        double center = (i + 0.5) * scale;
        int start = Math.max(0, (int) (center - LOBES * stretch + 0.5));
        int end = Math.min(size, (int) (center + LOBES * stretch + 0.5));
        double[] weights = new double[end - start];
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
          weights[k] = lanczos((start + k - center + 0.5) / stretch);
          sum += weights[k];
        }
        starts[i] = from + start;
        values[i] = new float[weights.length];
        for (int k = 0; k < weights.length; k++) {
          values[i][k] = (float) (weights[k] / sum);
        }
      }
      return new Weights(starts, values);
    }

    int start(int out) {
      return starts[out];
    }

    int end(int out) {
      return starts[out] + values[out].length;
    }

    float at(int out, int in) {
      return in < end(out) ? values[out][in - starts[out]] : 0;
    }

    void apply(float[] in, float[] out) {
      for (int i = 0; i < out.length; i++) {
        float sum = 0;
        float[] weights = values[i];
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * in[starts[i] + k];
        }
        out[i] = sum;
      }
    }

    private static double lanczos(double x) {
      return Math.abs(x) >= LOBES ? 0 : sinc(x) * sinc(x / LOBES);
    }

    private static double sinc(double x) {
      return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }
  }
}
