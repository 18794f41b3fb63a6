package dev.lethe.models.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A run of elements that tensors are views of.
 *
 * @param type of the elements
 * @param size how many there are
 * @param source where their bytes are, at least as many as they take
 */
record Storage(ElementType type, long size, Source source) {

  /** Bytes that are read when they are needed. */
  interface Source {
    ByteBuffer bytes() throws IOException;
  }

  /** All bytes, little-endian. */
  ByteBuffer bytes() throws IOException {
    ByteBuffer bytes = source.bytes();
    if (bytes.remaining() < size * type.bytes()) {
      throw new CheckpointException("a tensor's storage has " + bytes.remaining() + " bytes of the "
          + size * type.bytes() + " that it should have; the file is cut short or damaged");
    }
    return bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
  }
}
