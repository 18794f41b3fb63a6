package dev.lethe.models.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Bytes of a file, or a text too long to be a name, where they lie. */
final class Blob {

  private final ByteBuffer bytes;
  private final boolean text;
  private Blob latin1;

  private Blob(ByteBuffer bytes, boolean text) {
    this.bytes = bytes;
    this.text = text;
  }

  static Blob bytes(ByteBuffer bytes) {
    return new Blob(bytes, false);
  }

  /** A text in UTF-8. */
  static Blob text(ByteBuffer bytes) {
    return new Blob(bytes, true);
  }

  boolean isText() {
    return text;
  }

  ByteBuffer bytes() {
    return bytes.duplicate();
  }

  /** The bytes that a text's characters stand for, as pickles before protocol 3 have bytes; made once. */
  Blob latin1() throws CheckpointException {
    if (latin1 == null) {
      try {
        latin1 = bytes(ByteBuffer.wrap(latin1(StandardCharsets.UTF_8.newDecoder().decode(bytes()).toString())));
      } catch (CharacterCodingException e) {
        throw new CheckpointException("bytes that are written as text are no UTF-8", e);
      }
    }
    return latin1;
  }

  /** The bytes that characters up to 255 stand for. */
  static byte[] latin1(String characters) throws CheckpointException {
    byte[] values = new byte[characters.length()];
    for (int i = 0; i < values.length; i++) {
      if (characters.charAt(i) > 0xff) {
        throw new CheckpointException("bytes that are written as text have the character "
            + (int) characters.charAt(i));
      }
      values[i] = (byte) characters.charAt(i);
    }
    return values;
  }
}
