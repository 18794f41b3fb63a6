package dev.lethe.models.image;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;

/** Images and videos that people have and that are not read, known by their first bytes. */
public final class UnreadPictures {

  static final String HEIC = "a HEIC image";

  /** Bytes that tell the kind. */
  private static final int START = 12;
  /** First letters of the brands of HEIF files whose images are compressed as HEVC. */
  private static final Set<String> HEIC_BRANDS = Set.of("hei", "hev", "mif", "msf");

  private UnreadPictures() {}

  /**
   * What it is, as {@code a GIF image}; empty if it is none of those that are known.
   *
   * @param start a file's first bytes, or all of them
   */
  public static Optional<String> known(byte[] start) {
    if (start.length < START) {
      return Optional.empty();
    }
    String text = new String(start, 0, START, StandardCharsets.ISO_8859_1);
    if (text.startsWith("GIF8")) {
      return Optional.of("a GIF image");
    }
    if (text.startsWith("II*\0") || text.startsWith("MM\0*")) {
      return Optional.of("a TIFF image, or a camera's raw image");
    }
    if (!text.startsWith("ftyp", 4)) {
      return Optional.empty();
    }
    String brand = text.substring(8, 11);
    return Optional.of(brand.equals("avi") ? "an AVIF image" : HEIC_BRANDS.contains(brand) ? HEIC : "a video");
  }
}
