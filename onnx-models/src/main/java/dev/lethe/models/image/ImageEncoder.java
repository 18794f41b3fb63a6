package dev.lethe.models.image;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Writes images as PNG or JPEG files. Safe for use by many threads at once. */
public final class ImageEncoder {

  /** The JPEG quality of {@link #jpeg}: artefacts are hard to see. */
  private static final float JPEG_QUALITY = 0.95f;

  private ImageEncoder() {}

  /**
   * A PNG file.
   *
   * @param image [C, H, W], clamped to [-1, 1]; C is 1 or 3
   */
  public static byte[] png(float[] image, int channels, int height, int width) {
    return png(Pixels.toBytes(image), channels, height, width);
  }

  /**
   * A PNG file.
   *
   * @param image [C, H, W], unsigned; C is 1 or 3
   */
  public static byte[] png(byte[] image, int channels, int height, int width) {
    return write("png", raster(image, channels, height, width), null);
  }

  /**
   * A JPEG file of quality 95.
   *
   * @param image [C, H, W], clamped to [-1, 1]; C is 1 or 3
   */
  public static byte[] jpeg(float[] image, int channels, int height, int width) {
    return jpeg(Pixels.toBytes(image), channels, height, width);
  }

  /**
   * A JPEG file of quality 95.
   *
   * @param image [C, H, W], unsigned; C is 1 or 3
   */
  public static byte[] jpeg(byte[] image, int channels, int height, int width) {
    return write("jpeg", raster(image, channels, height, width), JPEG_QUALITY);
  }

  private static BufferedImage raster(byte[] image, int channels, int height, int width) {
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels must be 1 or 3, not " + channels);
    }
    if (image.length != (long) channels * height * width) {
      throw new IllegalArgumentException(String.format("%d values are no image of [%d, %d, %d]", image.length,
          channels, height, width));
    }
    int type = channels == 1 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_3BYTE_BGR;
    BufferedImage raster = new BufferedImage(width, height, type);
    // The samples themselves: setRGB would convert grey between light and gamma.
    byte[] samples = ((DataBufferByte) raster.getRaster().getDataBuffer()).getData();
    int plane = height * width;
    for (int c = 0; c < channels; c++) {
      int at = channels - 1 - c;
      for (int i = 0; i < plane; i++) {
        samples[i * channels + at] = image[c * plane + i];
      }
    }
    return raster;
  }

  private static byte[] write(String format, BufferedImage image, Float quality) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      ImageWriteParam parameters = writer.getDefaultWriteParam();
      if (quality != null) {
        parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        parameters.setCompressionQuality(quality);
      }
      writer.write(null, new IIOImage(image, null, null), parameters);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }
}
