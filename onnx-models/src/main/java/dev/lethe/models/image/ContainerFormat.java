package dev.lethe.models.image;

import java.nio.ByteBuffer;
import java.util.zip.CRC32;

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
  };

  private static final long PNG_SIGNATURE = 0x89504e470d0a1a0aL;
  /** Length, type and check sum, four bytes each. */
  private static final int PNG_CHUNK_OVERHEAD = 12;
  private static final int PNG_END = 0x49454e44;
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
    throw new InvalidImageException("the " + bytes.length + " bytes are neither a PNG nor a JPEG image");
  }

  abstract boolean begins(byte[] bytes);

  abstract void checkStructure(byte[] bytes) throws InvalidImageException;
}
