package dev.lethe.models.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Reads PNG and JPEG bytes that nobody vouches for into pixels [C, H, W] of a model's exact size.
 *
 * <p>The checks go from cheap to dear: number of bytes, format, container structure, width and height of the header;
 * only then are pixels decoded. Whatever the bytes hold, the outcome is pixels or an {@link InvalidImageException}, and
 * memory is bounded by the number of bytes and the model's size.
 *
 * <p>A grey image serves three channels by repetition, a colour image serves one channel by its luma (ITU-R BT.601),
 * 16-bit samples are cut to 8. Transparent pixels are refused: their colour is not known.
 */
public final class ImageDecoder {

  /** Room for metadata beside the pixels. */
  private static final int METADATA_BYTES = 1 << 20;
  /** The most bytes that a pixel can take uncompressed: 16-bit RGBA. */
  private static final int BYTES_PER_PIXEL = 8;

  private ImageDecoder() {}

  /** The most bytes that are read of an image of this resolution. */
  public static long maxBytes(int resolution) {
    return METADATA_BYTES + (long) BYTES_PER_PIXEL * resolution * resolution;
  }

  /**
   * Decodes for a network.
   *
   * @param bytes a PNG or JPEG file
   * @param channels 1 (grey) or 3 (RGB)
   * @param resolution height and width that the image must have, in pixels
   * @return [C, H, W] in [-1, 1]
   * @throws InvalidImageException if the bytes are not such an image, or more than {@link #maxBytes}
   */
  public static float[] decode(byte[] bytes, int channels, int resolution) throws InvalidImageException {
    return Pixels.toFloats(decodeBytes(bytes, channels, resolution));
  }

  /**
   * Decodes for storage: as {@link #decode}, but unsigned bytes.
   *
   * @return [C, H, W] in [0, 255]
   */
  public static byte[] decodeBytes(byte[] bytes, int channels, int resolution) throws InvalidImageException {
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels must be 1 or 3, not " + channels);
    }
    ContainerFormat format = check(bytes, resolution);
    return planes(read(bytes, format, resolution), channels);
  }

  /**
   * The size that the header states, without decoding pixels.
   *
   * @param maxResolution bounds the number of bytes, see {@link #maxBytes}
   * @throws InvalidImageException if the bytes are neither PNG nor JPEG, or too many
   */
  public static ImageSize size(byte[] bytes, int maxResolution) throws InvalidImageException {
    ContainerFormat format = check(bytes, maxResolution);
    ImageReader reader = reader(format);
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(in, true, true);
      return new ImageSize(reader.getWidth(0), reader.getHeight(0));
    } catch (IOException | RuntimeException e) {
      throw damaged(format, e);
    } finally {
      reader.dispose();
    }
  }

  private static ContainerFormat check(byte[] bytes, int resolution) throws InvalidImageException {
    if (bytes.length > maxBytes(resolution)) {
      throw new InvalidImageException(String.format("the image has %d bytes; at most %d are read at %dx%d",
          bytes.length, maxBytes(resolution), resolution, resolution));
    }
    ContainerFormat format = ContainerFormat.of(bytes);
    format.checkStructure(bytes);
    return format;
  }

  private static BufferedImage read(byte[] bytes, ContainerFormat format, int resolution)
      throws InvalidImageException {
    ImageReader reader = reader(format);
    // A cut or garbled JPEG decodes with no more than a warning, and grey where data lacked.
    List<String> warnings = new ArrayList<>();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    BufferedImage image;
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      // Metadata is ignored because compressed text chunks inflate without bound.
      reader.setInput(in, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if (width != resolution || height != resolution) {
        throw new InvalidImageException(String.format("the image is %dx%d pixels; it must be exactly %dx%d", width,
            height, resolution, resolution));
      }
      image = reader.read(0);
    } catch (InvalidImageException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The readers answer some damage with exceptions such as IndexOutOfBounds.
      throw damaged(format, e);
    } finally {
      reader.dispose();
    }
    if (!warnings.isEmpty()) {
      throw new InvalidImageException("the " + format + " image is damaged: " + warnings.get(0));
    }
    return image;
  }

  private static ImageReader reader(ContainerFormat format) {
    return ImageIO.getImageReadersByFormatName(format.name()).next();
  }

  private static InvalidImageException damaged(ContainerFormat format, Exception cause) {
    return new InvalidImageException("the " + format + " image is damaged or of a kind that is not read: "
        + cause.getMessage(), cause);
  }

  private static byte[] planes(BufferedImage image, int channels) throws InvalidImageException {
    ColorModel colors = image.getColorModel();
    boolean grey = colors instanceof ComponentColorModel
        && colors.getColorSpace().getType() == ColorSpace.TYPE_GRAY;
    return grey ? greyPlanes(image, channels) : colorPlanes(image, channels);
  }

  /** Reads samples from the raster: getRGB would take them for linear light and apply a gamma. */
  private static byte[] greyPlanes(BufferedImage image, int channels) throws InvalidImageException {
    int width = image.getWidth();
    int height = image.getHeight();
    Raster raster = image.getRaster();
    int bits = raster.getSampleModel().getSampleSize(0);
    boolean alpha = image.getColorModel().hasAlpha();
    int opaque = (1 << bits) - 1;
    byte[] planes = new byte[channels * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (alpha && raster.getSample(x, y, 1) != opaque) {
          throw transparent(x, y);
        }
        byte value = (byte) (raster.getSample(x, y, 0) >> (bits - 8));
        for (int c = 0; c < channels; c++) {
          planes[(c * height + y) * width + x] = value;
        }
      }
    }
    return planes;
  }

  private static byte[] colorPlanes(BufferedImage image, int channels) throws InvalidImageException {
    int width = image.getWidth();
    int height = image.getHeight();
    int plane = width * height;
    int[] argb = image.getRGB(0, 0, width, height, null, 0, width);
    byte[] planes = new byte[channels * plane];
    for (int i = 0; i < plane; i++) {
      int red = argb[i] >> 16 & 0xff;
      int green = argb[i] >> 8 & 0xff;
      int blue = argb[i] & 0xff;
      if (argb[i] >>> 24 != 0xff) {
        throw transparent(i % width, i / width);
      }
      if (channels == 1) {
        // BT.601 in 16-bit fixed point; the weights sum to 1 exactly, so grey stays as it is.
        planes[i] = (byte) (19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16);
      } else {
        planes[i] = (byte) red;
        planes[plane + i] = (byte) green;
        planes[2 * plane + i] = (byte) blue;
      }
    }
    return planes;
  }

  private static InvalidImageException transparent(int x, int y) {
    return new InvalidImageException("the pixel at column " + x + ", row " + y
        + " is transparent; flatten the image onto a background first");
  }
}
