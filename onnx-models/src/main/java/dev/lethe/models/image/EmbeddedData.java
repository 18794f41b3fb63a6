package dev.lethe.models.image;

import com.twelvemonkeys.imageio.metadata.Directory;
import com.twelvemonkeys.imageio.metadata.Entry;
import com.twelvemonkeys.imageio.metadata.tiff.TIFF;
import com.twelvemonkeys.imageio.metadata.tiff.TIFFReader;
import java.awt.color.ICC_Profile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.InflaterInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** What a file says about its pixels beside them, as far as the readers do not see to it themselves. */
final class EmbeddedData {

  private static final byte[] EXIF = {'E', 'x', 'i', 'f', 0, 0};
  private static final int LARGEST_PROFILE = 4 << 20;

  private EmbeddedData() {}

  /** How the camera was held; upright if the file does not say, or says it in a way that is not read. */
  static Orientation orientation(ContainerFormat format, byte[] file) {
    Optional<byte[]> exif = switch (format) {
      case JPEG -> jpegSegment(file, 0xe1, EXIF);
      case PNG -> pngChunk(file, "eXIf");
      case WEBP -> riffChunk(file, "EXIF").map(chunk -> startsWith(chunk, 0, EXIF)
          ? Arrays.copyOfRange(chunk, EXIF.length, chunk.length) : chunk);
    };
    return exif.map(EmbeddedData::orientation).orElse(Orientation.UPRIGHT);
  }

  private static Orientation orientation(byte[] exif) {
    try (MemoryCacheImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(exif))) {
      Directory directory = new TIFFReader().read(in);
      Entry entry = directory.getEntryById(TIFF.TAG_ORIENTATION);
      return entry != null && entry.getValue() instanceof Number number ? Orientation.of(number.intValue())
          : Orientation.UPRIGHT;
    } catch (IOException | RuntimeException e) {
      return Orientation.UPRIGHT;
    }
  }

  /**
   * The colour profile of a PNG image, which its reader ignores.
   *
   * @throws InvalidImageException if there is one that cannot be read
   */
  static Optional<ICC_Profile> pngProfile(byte[] file) throws InvalidImageException {
    Optional<byte[]> chunk = pngChunk(file, "iCCP");
    if (chunk.isEmpty() || pngChunk(file, "sRGB").isPresent()) {
      return Optional.empty();
    }
    int name = 0;
    while (name < chunk.get().length && chunk.get()[name] != 0) {
      name++;
    }
    int from = Math.min(chunk.get().length, name + 2);
    try (InflaterInputStream in =
        new InflaterInputStream(new ByteArrayInputStream(chunk.get(), from, chunk.get().length - from))) {
      byte[] profile = in.readNBytes(LARGEST_PROFILE + 1);
      if (profile.length > LARGEST_PROFILE) {
        throw new InvalidImageException("the PNG image's colour profile has more than " + LARGEST_PROFILE + " bytes");
      }
      return Optional.of(ICC_Profile.getInstance(profile));
    } catch (InvalidImageException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new InvalidImageException("the PNG image's colour profile is damaged: " + e.getMessage(), e);
    }
  }

  /** What stands behind {@code start} in the first such segment before the pixels. */
  private static Optional<byte[]> jpegSegment(byte[] file, int marker, byte[] start) {
    int at = 2;
    while (at + 4 <= file.length && (file[at] & 0xff) == 0xff) {
      int type = file[at + 1] & 0xff;
      if (type == 0xff) {
        at++;
        continue;
      }
      int length = (file[at + 2] & 0xff) << 8 | file[at + 3] & 0xff;
      if (type == 0xda || length < 2 || at + 2 + length > file.length) {
        return Optional.empty();
      }
      if (type == marker && length - 2 >= start.length && startsWith(file, at + 4, start)) {
        return Optional.of(Arrays.copyOfRange(file, at + 4 + start.length, at + 2 + length));
      }
      at += 2 + length;
    }
    return Optional.empty();
  }

  /** The container's structure was checked before. */
  private static Optional<byte[]> pngChunk(byte[] file, String name) {
    ByteBuffer in = ByteBuffer.wrap(file);
    int at = 8;
    while (at + 12 <= file.length) {
      int length = in.getInt(at);
      String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
      if (length < 0 || length > file.length - at - 12 || type.equals("IEND")) {
        return Optional.empty();
      }
      if (type.equals(name)) {
        return Optional.of(Arrays.copyOfRange(file, at + 8, at + 8 + length));
      }
      at += 12 + length;
    }
    return Optional.empty();
  }

  private static Optional<byte[]> riffChunk(byte[] file, String name) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int at = 12;
    while (at + 8 <= file.length) {
      int length = in.getInt(at + 4);
      if (length < 0 || length > file.length - at - 8) {
        return Optional.empty();
      }
      if (new String(file, at, 4, StandardCharsets.ISO_8859_1).equals(name)) {
        return Optional.of(Arrays.copyOfRange(file, at + 8, at + 8 + length));
      }
      at += 8 + length + (length & 1);
    }
    return Optional.empty();
  }

  private static boolean startsWith(byte[] bytes, int at, byte[] start) {
    return bytes.length - at >= start.length
        && Arrays.equals(bytes, at, at + start.length, start, 0, start.length);
  }
}
