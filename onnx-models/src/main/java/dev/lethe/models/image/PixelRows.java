package dev.lethe.models.image;

import java.awt.color.ColorSpace;
import java.awt.color.ICC_ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.awt.image.ColorConvertOp;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The rows of a decoded image as a model sees them: sRGB or grey, opaque, unsigned. */
final class PixelRows implements Lanczos.Rows {

  private final BufferedImage image;
  private final int channels;
  private final OptionalInt background;
  private final boolean grey;
  private final Optional<ColorConvertOp> toSrgb;
  private final int[] argb;
  private boolean transparent;

  /**
   * @param profile of the image's colours, where its reader has not seen to that
   * @param channels 1 (grey) or 3 (RGB)
   */
  PixelRows(BufferedImage image, Optional<ICC_Profile> profile, int channels, OptionalInt background) {
    this.image = image;
    this.channels = channels;
    this.background = background;
    this.argb = new int[image.getWidth()];
    ColorModel colors = image.getColorModel();
    this.grey = colors instanceof ComponentColorModel && colors.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    int bands = grey ? 1 : 3;
    this.toSrgb = profile.filter(found -> found.getNumComponents() == bands).map(found -> new ColorConvertOp(
        new ICC_ColorSpace(found), ColorSpace.getInstance(ColorSpace.CS_sRGB), null));
  }

  int width() {
    return image.getWidth();
  }

  int height() {
    return image.getHeight();
  }

  int channels() {
    return channels;
  }

  /** Adds what was done, once all rows were read. */
  void describe(List<String> steps) {
    if (toSrgb.isPresent()) {
      steps.add("its colour profile applied");
    }
    if (transparent) {
      steps.add(String.format("laid over the background #%06x", background.orElseThrow()));
    }
  }

  @Override
  public void read(int y, float[][] row) {
    if (grey) {
      readGrey(y);
    } else {
      image.getRGB(0, y, argb.length, 1, argb, 0, argb.length);
    }
    toSrgb.ifPresent(this::convert);
    for (int x = 0; x < argb.length; x++) {
      int pixel = argb[x];
      int alpha = pixel >>> 24;
      int red = over(pixel >> 16 & 0xff, alpha, 16, x, y);
      int green = over(pixel >> 8 & 0xff, alpha, 8, x, y);
      int blue = over(pixel & 0xff, alpha, 0, x, y);
      if (channels == 1) {
        // BT.601 in 16-bit fixed point; the weights sum to 1 exactly, so grey stays as it is.
        row[0][x] = 19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16;
      } else {
        row[0][x] = red;
        row[1][x] = green;
        row[2][x] = blue;
      }
    }
  }

  private int over(int value, int alpha, int shift, int x, int y) {
    if (alpha == 0xff) {
      return value;
    }
    if (background.isEmpty()) {
      throw new TransparentException(x, y);
    }
    transparent = true;
    int behind = background.getAsInt() >> shift & 0xff;
    return (value * alpha + behind * (0xff - alpha) + 127) / 0xff;
  }

  /** Reads samples from the raster: getRGB would take them for linear light and apply a gamma. */
  private void readGrey(int y) {
    Raster raster = image.getRaster();
    int bits = raster.getSampleModel().getSampleSize(0);
    boolean alpha = image.getColorModel().hasAlpha();
    for (int x = 0; x < argb.length; x++) {
      int value = raster.getSample(x, y, 0) >> bits - 8;
      int opacity = alpha ? raster.getSample(x, y, 1) >> bits - 8 : 0xff;
      argb[x] = opacity << 24 | value << 16 | value << 8 | value;
    }
  }

  private void convert(ColorConvertOp op) {
    int bands = grey ? 1 : 3;
    WritableRaster from = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, argb.length, 1, bands, null);
    WritableRaster to = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, argb.length, 1, 3, null);
    for (int x = 0; x < argb.length; x++) {
      for (int b = 0; b < bands; b++) {
        from.setSample(x, 0, b, argb[x] >> 16 - 8 * b & 0xff);
      }
    }
    op.filter(from, to);
    for (int x = 0; x < argb.length; x++) {
      argb[x] = argb[x] & 0xff000000 | to.getSample(x, 0, 0) << 16 | to.getSample(x, 0, 1) << 8 | to.getSample(x, 0, 2);
    }
  }

  /** A pixel whose colour is not known. */
  static final class TransparentException extends RuntimeException {

    private static final long serialVersionUID = 1;

    TransparentException(int x, int y) {
      super("the pixel at column " + x + ", row " + y
          + " is transparent; flatten the image onto a background first, or state one (--background)");
    }
  }
}
