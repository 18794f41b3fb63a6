package dev.lethe.models.image;

import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Reads PNG, JPEG and WebP bytes that nobody vouches for into pixels [C, H, W] of a model's size: of exactly that size,
 * or fitted to it.
 *
 * <p>The checks go from cheap to dear: number of bytes, format, container structure, width and height of the header;
 * only then are pixels decoded. Whatever the bytes hold, the outcome is pixels or an {@link InvalidImageException}, and
 * memory is bounded: by the number of bytes and the model's size, or for images that are fitted by
 * {@link #LARGEST_PIXELS}, of which one at a time is decoded.
 *
 * <p>Images are made upright as EXIF says, and brought to sRGB from the profile that they bear; CMYK without a profile
 * is taken as plain ink. A grey image serves three channels by repetition, a colour image serves one channel by its
 * luma (ITU-R BT.601), 16-bit samples are cut to 8. Transparent pixels lie over a background, or are refused if none is
 * stated: their colour is not known.
 */
public final class ImageDecoder {

  /** Most bytes of a file that is fitted. */
  public static final int LARGEST_FILE = 32 << 20;
  /** Most pixels of an image that is fitted: what phones take. */
  public static final long LARGEST_PIXELS = 64_000_000;
  private static final int LARGEST_SIDE = 30_000;
  /** From here on, images are decoded one at a time. */
  private static final long LARGE_PIXELS = 2_000_000;
  private static final Semaphore LARGE = new Semaphore(1);
  /** Room for metadata beside the pixels. */
  private static final int METADATA_BYTES = 1 << 20;
  /** The most bytes that a pixel can take uncompressed: 16-bit RGBA. */
  private static final int BYTES_PER_PIXEL = 8;
  /** Warnings of readers about what does not touch the pixels. */
  private static final Pattern BESIDE_PIXELS = Pattern.compile("ICC|(?i)profile|exif|jfif|jfxx|thumbnail|adobe app14");

  private ImageDecoder() {}

  /** The most bytes that are read of an image of this resolution. */
  public static long maxBytes(int resolution) {
    return METADATA_BYTES + (long) BYTES_PER_PIXEL * resolution * resolution;
  }

  /**
   * Decodes for a network.
   *
   * @param bytes a PNG, JPEG or WebP file
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
    return prepare(bytes, channels, resolution, Preparation.NONE).pixels();
  }

  /**
   * Decodes, and does what is needed for a model to take the image.
   *
   * @throws InvalidImageException if the bytes are no image that is read, or one that would have to be changed in a way
   *     that the preparation does not allow
   */
  public static PreparedImage prepare(byte[] bytes, int channels, int resolution, Preparation preparation)
      throws InvalidImageException {
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels must be 1 or 3, not " + channels);
    }
    boolean exact = preparation.fit() == Fit.EXACT;
    ContainerFormat format = exact ? check(bytes, resolution) : check(bytes);
    Orientation orientation = EmbeddedData.orientation(format, bytes);
    List<String> notes = new ArrayList<>();
    ImageReader reader = format.reader();
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      // Metadata is ignored because compressed text chunks inflate without bound.
      reader.setInput(in, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if (exact && (width != resolution || height != resolution)) {
        boolean larger = width > resolution || height > resolution;
        throw new InvalidImageException(String.format("the image is %dx%d pixels; it must be exactly %dx%d, or be "
            + "fitted "
            + "(--fit %s)", width, height, resolution, resolution, larger ? "crop or --fit resize" : "pad"));
      }
      long pixels = (long) width * height;
      if (pixels > largest() || Math.max(width, height) > LARGEST_SIDE) {
        throw new InvalidImageException(String.format("the image is %dx%d pixels; at most %d are read, and %d in a row",
            width, height, largest(), LARGEST_SIDE));
      }
      if (pixels < LARGE_PIXELS) {
        return prepare(read(reader, format, notes), format, bytes, channels, resolution, preparation, orientation,
            notes);
      }
      LARGE.acquireUninterruptibly();
      try {
        return prepare(read(reader, format, notes), format, bytes, channels, resolution, preparation, orientation,
            notes);
      } finally {
        LARGE.release();
      }
    } catch (InvalidImageException e) {
      throw e;
    } catch (PixelRows.TransparentException e) {
      throw new InvalidImageException(e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      // The readers answer some damage with exceptions such as IndexOutOfBounds.
      throw damaged(format, e);
    } finally {
      reader.dispose();
    }
  }

  /** A large image takes up to a quarter of Java's memory while it is decoded. */
  private static long largest() {
    return Math.min(LARGEST_PIXELS, Runtime.getRuntime().maxMemory() / (4 * BYTES_PER_PIXEL));
  }

  private static PreparedImage prepare(BufferedImage image, ContainerFormat format, byte[] file, int channels,
      int resolution, Preparation preparation, Orientation orientation,
          List<String> notes) throws InvalidImageException {
    Optional<ICC_Profile> profile = format == ContainerFormat.PNG ? EmbeddedData.pngProfile(file) : Optional.empty();
    PixelRows rows = new PixelRows(image, profile, channels, preparation.background());
    List<String> steps = new ArrayList<>(notes);
    if (!orientation.step.isEmpty()) {
      steps.add(orientation.step);
    }
    byte[] pixels = new Fitting(rows, orientation, resolution, preparation).pixels(steps);
    rows.describe(steps);
    return new PreparedImage(pixels, steps);
  }

  /**
   * The size that the header states, without decoding pixels.
   *
   * @param maxResolution bounds the number of bytes, see {@link #maxBytes}
   * @throws InvalidImageException if the bytes are none of PNG, JPEG and WebP, or too many
   */
  public static ImageSize size(byte[] bytes, int maxResolution) throws InvalidImageException {
    ContainerFormat format = check(bytes, maxResolution);
    ImageReader reader = format.reader();
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
      throw new InvalidImageException(String.format("the image has %d bytes; at most %d are read at %dx%d, or it "
          + "must be fitted (--fit crop)",
          bytes.length, maxBytes(resolution), resolution, resolution));
    }
    ContainerFormat format = ContainerFormat.of(bytes);
    format.checkStructure(bytes);
    return format;
  }

  private static ContainerFormat check(byte[] bytes) throws InvalidImageException {
    if (bytes.length > LARGEST_FILE) {
      throw new InvalidImageException("the file has " + bytes.length + " bytes; at most " + LARGEST_FILE + " are read");
    }
    ContainerFormat format = ContainerFormat.of(bytes);
    format.checkStructure(bytes);
    return format;
  }

  private static BufferedImage read(ImageReader reader, ContainerFormat format, List<String> notes) throws IOException {
    // A cut or garbled JPEG decodes with no more than a warning, and grey where data lacked.
    List<String> warnings = new ArrayList<>();
    reader.addIIOReadWarningListener((source, warning) -> {
      if (BESIDE_PIXELS.matcher(warning).find()) {
        if (warning.contains("ICC")) {
          notes.add(warning.startsWith("No embedded") ? "CMYK without a profile"
              : "its colour profile is damaged, and ignored");
        }
      } else {
        warnings.add(warning);
      }
    });
    BufferedImage image = reader.read(0);
    if (!warnings.isEmpty()) {
      throw new InvalidImageException("the " + format + " image is damaged: " + warnings.get(0));
    }
    return image;
  }

  private static InvalidImageException damaged(ContainerFormat format, Exception cause) {
    return new InvalidImageException("the " + format + " image is damaged or of a kind that is not read: "
        + cause.getMessage(), cause);
  }
}
