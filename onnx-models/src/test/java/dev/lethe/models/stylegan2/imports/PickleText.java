package dev.lethe.models.stylegan2.imports;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Pickles written operation by operation, as nobody's tools would write them. */
final class PickleText {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Operations that are characters, and lines after them. */
  PickleText ops(String operations) {
    bytes.writeBytes(operations.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  PickleText repeated(String operations, int times) {
    return ops(operations.repeat(times));
  }

  PickleText text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return ops("X").number(utf8.length, Integer.BYTES).raw(utf8);
  }

  PickleText bytes(byte[] content) {
    return ops("B").number(content.length, Integer.BYTES).raw(content);
  }

  PickleText number(long value, int width) {
    bytes.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array(), 0, width);
    return this;
  }

  PickleText raw(byte[] content) {
    bytes.writeBytes(content);
    return this;
  }

  byte[] end() {
    return ops(".").bytes.toByteArray();
  }
}
