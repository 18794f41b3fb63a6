package dev.lethe.trainer.inspection;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** NumPy's file of arrays: a zip file of {@code NAME.npy}, each with its header (NEP 1). */
final class NumpyFile {

  private static final int ALIGNMENT = 64;

  private NumpyFile() {}

  /** A file of one array of float32, in C order. */
  static byte[] npz(String name, float[] values, int... shape) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry(name + ".npy");
      entry.setTime(0); // Equal arrays are equal files.
      zip.putNextEntry(entry);
      zip.write(npy(values, shape));
      zip.closeEntry();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private static byte[] npy(float[] values, int... shape) {
    String dimensions = Arrays.stream(shape).mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", shape.length == 1 ? ",)" : ")"));
    StringBuilder header =
        new StringBuilder("{'descr': '<f4', 'fortran_order': False, 'shape': " + dimensions + ", }");
    while ((10 + header.length() + 1) % ALIGNMENT != 0) {
      header.append(' ');
    }
    header.append('\n');
    ByteBuffer file = ByteBuffer.allocate(10 + header.length() + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) header.length());
    file.put(header.toString().getBytes(StandardCharsets.US_ASCII));
    file.asFloatBuffer().put(values);
    return file.array();
  }
}
