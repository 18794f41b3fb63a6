package dev.lethe.models.image;

import dev.lethe.models.image.Orientation.Window;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** Brings an image to a model's size, and makes it upright. */
record Fitting(PixelRows rows, Orientation orientation, int resolution, Preparation preparation) {

  /**
   * The pixels, [C, resolution, resolution].
   *
   * @param steps what is done is added to them
   */
  byte[] pixels(List<String> steps) {
    int width = orientation.transposed ? rows.height() : rows.width();
    int height = orientation.transposed ? rows.width() : rows.height();
    Window all = new Window(0, 0, width, height);
    return switch (preparation.fit()) {
      case EXACT -> resized(all, resolution, resolution, steps);
      case RESIZE -> resized(all, resolution, resolution, steps);
      case CROP -> {
        int side = Math.min(width, height);
        if (width != height) {
          steps.add(String.format("cut from %dx%d to its middle %dx%d", width, height, side, side));
        }
        yield resized(new Window((width - side) / 2, (height - side) / 2, side, side), resolution, resolution, steps);
      }
      case PAD -> {
        double factor = Math.min(1, resolution / (double) Math.max(width, height));
        int toWidth = Math.max(1, (int) Math.round(width * factor));
        int toHeight = Math.max(1, (int) Math.round(height * factor));
        yield padded(resized(all, toWidth, toHeight, steps), toWidth, toHeight, steps);
      }
    };
  }

  private byte[] resized(Window upright, int toWidth, int toHeight, List<String> steps) {
    Window stored = orientation.stored(upright, rows.width(), rows.height());
    boolean same = upright.width() == toWidth && upright.height() == toHeight;
    int w = orientation.transposed ? toHeight : toWidth;
    int h = orientation.transposed ? toWidth : toHeight;
    byte[] pixels = same ? copied(stored) : Lanczos.resize(rows, rows.channels(), rows.width(), stored, w, h,
        orientation.transposed);
    if (!same) {
      steps.add(String.format("resized from %dx%d to %dx%d", upright.width(), upright.height(), toWidth, toHeight));
    }
    return orientation.upright(pixels, rows.channels(), w, h);
  }

  private byte[] copied(Window stored) {
    byte[] pixels = new byte[rows.channels() * stored.width() * stored.height()];
    float[][] row = new float[rows.channels()][rows.width()];
    for (int y = 0; y < stored.height(); y++) {
      rows.read(stored.top() + y, row);
      for (int c = 0; c < rows.channels(); c++) {
        int at = (c * stored.height() + y) * stored.width();
        for (int x = 0; x < stored.width(); x++) {
          pixels[at + x] = (byte) row[c][stored.left() + x];
        }
      }
    }
    return pixels;
  }

  private byte[] padded(byte[] pixels, int width, int height, List<String> steps) {
    if (width == resolution && height == resolution) {
      return pixels;
    }
    steps.add(String.format("padded from %dx%d to %dx%d", width, height, resolution, resolution));
    byte[] padded = new byte[rows.channels() * resolution * resolution];
    int left = (resolution - width) / 2;
    int top = (resolution - height) / 2;
    for (int c = 0; c < rows.channels(); c++) {
      Arrays.fill(padded, c * resolution * resolution, (c + 1) * resolution * resolution, background(c));
      for (int y = 0; y < height; y++) {
        System.arraycopy(pixels, (c * height + y) * width, padded, (c * resolution + top + y) * resolution + left,
            width);
      }
    }
    return padded;
  }

  private byte background(int channel) {
    OptionalInt stated = preparation.background();
    int rgb = stated.orElse(0);
    if (rows.channels() == 1) {
      return (byte) (19595 * (rgb >> 16 & 0xff) + 38470 * (rgb >> 8 & 0xff) + 7471 * (rgb & 0xff) + 0x8000 >> 16);
    }
    return (byte) (rgb >> 16 - 8 * channel);
  }
}
