package dev.lethe.models.image;

import java.util.Arrays;

/**
 * A picture of many images of one size, in rows and columns, with thin separators between them. Cells that were not set
 * have the separators' grey.
 */
public final class ImageGrid {

  private static final byte BACKGROUND = (byte) 96;

  private final int rows;
  private final int columns;
  private final int channels;
  private final int resolution;
  private final int scale;
  private final int separator;
  private final int height;
  private final int width;
  private final byte[] pixels;

  /**
   * An empty grid.
   *
   * @param channels 1 (grey) or 3 (RGB)
   * @param resolution height and width of each image, in pixels
   * @param scale every pixel of an image becomes scale x scale pixels of the grid
   * @param separator width of the lines between images, in pixels of the grid; may be 0
   */
  public ImageGrid(int rows, int columns, int channels, int resolution, int scale, int separator) {
    if (rows < 1 || columns < 1 || resolution < 1 || scale < 1 || separator < 0) {
      throw new IllegalArgumentException(String.format("no grid of %d x %d images of %d pixels, scale %d, separator %d",
          rows, columns, resolution, scale, separator));
    }
    this.rows = rows;
    this.columns = columns;
    this.channels = channels;
    this.resolution = resolution;
    this.scale = scale;
    this.separator = separator;
    this.height = Math.subtractExact(Math.multiplyExact(rows, pitch()), separator);
    this.width = Math.subtractExact(Math.multiplyExact(columns, pitch()), separator);
    this.pixels = new byte[Math.multiplyExact(channels, Math.multiplyExact(height, width))];
    Arrays.fill(pixels, BACKGROUND);
  }

  /** Height of the picture in pixels. */
  public int height() {
    return height;
  }

  /** Width of the picture in pixels. */
  public int width() {
    return width;
  }

  /**
   * Sets one cell.
   *
   * @param image [C, H, W], clamped to [-1, 1]
   */
  public void set(int row, int column, float[] image) {
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      throw new IndexOutOfBoundsException(String.format("no cell (%d, %d) in %d x %d", row, column, rows, columns));
    }
    if (image.length != channels * resolution * resolution) {
      throw new IllegalArgumentException(String.format("%d values are no image of [%d, %d, %d]", image.length,
          channels, resolution, resolution));
    }
    int cell = resolution * scale;
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < cell; y++) {
        int from = (c * resolution + y / scale) * resolution;
        int to = (c * height + row * pitch() + y) * width + column * pitch();
        for (int x = 0; x < cell; x++) {
          pixels[to + x] = Pixels.toByte(image[from + x / scale]);
        }
      }
    }
  }

  /** The picture as a PNG file. */
  public byte[] png() {
    return ImageEncoder.png(pixels, channels, height, width);
  }

  private int pitch() {
    return Math.addExact(Math.multiplyExact(resolution, scale), separator);
  }
}
