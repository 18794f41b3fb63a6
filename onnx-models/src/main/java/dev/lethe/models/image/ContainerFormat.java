package dev.lethe.models.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Optional;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/** The file formats that are read, known by their first bytes, and what must hold before a decoder may see them. */
enum ContainerFormat {
  PNG {
    @Override
    boolean begins(byte[] bytes) {
      return bytes.length >= 8 && ByteBuffer.wrap(bytes).getLong() == PNG_SIGNATURE;
    }

    /**
     * Every chunk lies within the bytes and has its check sum, up to IEND: a decoder that believes a chunk's length
     * before it reads the chunk would allocate whatever the length says.
     */
    @Override
    void checkStructure(byte[] bytes) throws InvalidImageException {
      ByteBuffer in = ByteBuffer.wrap(bytes).position(8);
      CRC32 crc = new CRC32();
      int type;
      do {
        if (in.remaining() < PNG_CHUNK_OVERHEAD) {
          throw new InvalidImageException("the PNG image is cut off: it has no IEND chunk");
        }
        int length = in.getInt();
        if (length < 0 || length > in.remaining() - 8) {
          throw new InvalidImageException("the PNG image is cut off or damaged: its chunk at byte "
              + (in.position() - 4) + " claims " + Integer.toUnsignedString(length) + " bytes; "
              + Math.max(0, in.remaining() - 8) + " are left");
        }
        crc.reset();
        crc.update(bytes, in.position(), 4 + length);
        type = in.getInt();
        in.position(in.position() + length);
        if (in.getInt() != (int) crc.getValue()) {
          throw new InvalidImageException("the PNG image is damaged: the chunk that ends at byte " + in.position()
              + " has a wrong check sum");
        }
      } while (type != PNG_END);
    }
  },

  JPEG {
    @Override
    boolean begins(byte[] bytes) {
      return bytes.length >= 3 && (bytes[0] & 0xff) == 0xff && (bytes[1] & 0xff) == 0xd8 && (bytes[2] & 0xff) == 0xff;
    }

    /** Each scan of a progressive image is a pass over all its pixels, and an empty scan takes a dozen bytes. */
    @Override
    void checkStructure(byte[] bytes) throws InvalidImageException {
      int scans = 0;
      for (int i = 2; i + 1 < bytes.length; i++) {
        if ((bytes[i] & 0xff) == 0xff && (bytes[i + 1] & 0xff) == JPEG_START_OF_SCAN) {
          scans++;
        }
      }
      if (scans > MAX_JPEG_SCANS) {
        throw new InvalidImageException("the JPEG image has " + scans + " scans; at most " + MAX_JPEG_SCANS
            + " are read");
      }
    }
  },

  WEBP {
    @Override
    boolean begins(byte[] bytes) {
      return bytes.length >= 16 && ascii(bytes, 0).equals("RIFF") && ascii(bytes, 8).equals("WEBP");
    }

    @Override
    void checkStructure(byte[] bytes) throws InvalidImageException {
      long length = Integer.toUnsignedLong(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(4));
      if (length > bytes.length - 8) {
        throw new InvalidImageException("the WebP image is cut off: it claims " + length + " bytes; "
            + (bytes.length - 8) + " are there");
      }
      if (ascii(bytes, 12).equals("VP8X") && bytes.length > 20 && (bytes[20] & WEBP_ANIMATION) != 0) {
        throw new InvalidImageException("the WebP image is an animation; save one picture of it");
      }
    }
  };

  private static final long PNG_SIGNATURE = 0x89504e470d0a1a0aL;
  /** Length, type and check sum, four bytes each. */
  private static final int PNG_CHUNK_OVERHEAD = 12;
  private static final int PNG_END = 0x49454e44;
  private static final int WEBP_ANIMATION = 2;
  private static final int JPEG_START_OF_SCAN = 0xda;
  /** Encoders write about ten. */
  private static final int MAX_JPEG_SCANS = 100;

  /** The format of these bytes. */
  static ContainerFormat of(byte[] bytes) throws InvalidImageException {
    for (ContainerFormat format : values()) {
      if (format.begins(bytes)) {
        return format;
      }
    }
    throw new InvalidImageException(known(bytes).map(other -> "it is " + other
        + ", which is not read; save it as PNG, JPEG or WebP")
        .orElse("the " + bytes.length + " bytes are neither a PNG nor a JPEG or WebP image"));
  }

  /** What people send that is not read; README says which readers of HEIC for Java there are, and what they lack. */
  private static Optional<String> known(byte[] bytes) {
    // Two letters are enough only where an image is expected.
    if (bytes.length >= 12 && ascii(bytes, 0).startsWith("BM")) {
      return Optional.of("a BMP image");
    }
    return UnreadPictures.known(bytes).map(kind -> kind.equals(UnreadPictures.HEIC)
        ? kind + " (heif-convert of libheif, or sips on a Mac, make a JPEG file of it)" : kind);
  }

  private static String ascii(byte[] bytes, int at) {
    return new String(bytes, at, 4, StandardCharsets.ISO_8859_1);
  }

  /** TwelveMonkeys' reader of JPEG goes before the JDK's, which gets CMYK wrong. */
  ImageReader reader() {
    ImageReader first = null;
    for (Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(name()); readers.hasNext();) {
      ImageReader reader = readers.next();
      if (reader.getClass().getName().startsWith("com.twelvemonkeys.")) {
        return reader;
      }
      first = first == null ? reader : first;
    }
    if (first == null) {
      throw new IllegalStateException("there is no reader of " + this);
    }
    return first;
  }

  @Override
  public String toString() {
    return this == WEBP ? "WebP" : name();
  }

  abstract boolean begins(byte[] bytes);

  abstract void checkStructure(byte[] bytes) throws InvalidImageException;
}
