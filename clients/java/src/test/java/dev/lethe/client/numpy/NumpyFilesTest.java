package dev.lethe.client.numpy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumpyFilesTest {

  @TempDir private Path folder;

  /** As numpy.save writes it. */
  private static byte[] npy(String description, String shape, double... values) {
    return npy(description, false, shape, values);
  }

  private static byte[] npy(String description, boolean fortran, String shape, double... values) {
    boolean doubles = description.endsWith("8");
    String header = "{'descr': '" + description + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': "
        + shape + ", }";
    header += " ".repeat(63 - (10 + header.length()) % 64) + "\n";
    ByteBuffer file = ByteBuffer.allocate(10 + header.length() + values.length * (doubles ? 8 : 4))
        .order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) header.length());
    file.put(header.getBytes(StandardCharsets.US_ASCII));
    for (double value : values) {
      if (doubles) {
        file.putDouble(value);
      } else {
        file.putFloat((float) value);
      }
    }
    return file.array();
  }

  @Test
  void eachRowIsALatent() throws IOException {
    Path file = Files.write(folder.resolve("z.npy"), npy("<f8", "(2, 3)", 1, 2, 3, 4, 5, 6));
    List<float[]> rows = NumpyFiles.latents(file, "z");
    assertArrayEquals(new float[] {4, 5, 6}, rows.get(1));
    Path one = Files.write(folder.resolve("one.npy"), npy("<f4", "(3,)", 1, 2, 3));
    assertEquals(1, NumpyFiles.latents(one, "z").size());
  }

  @Test
  void anArrayOfAnNpzFileIsFoundByName() throws IOException {
    Path file = folder.resolve("projected_w.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (String name : List.of("noise.npy", "w.npy")) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(name.startsWith("w") ? npy("<f4", "(1, 2, 2)", 1, 2, 3, 4) : npy("<f4", "(1,)", 9));
      }
    }
    assertArrayEquals(new float[] {1, 2, 3, 4}, NumpyFiles.latents(file, "w").get(0));
    assertEquals(file + " has no array z; it has noise, w",
        assertThrows(IOException.class, () -> NumpyFiles.latents(file, "z")).getMessage());
  }

  /** w taken for z draws something else, and nobody is told. */
  @ParameterizedTest
  @CsvSource({"z, w", "w, z", "z, arr_0"})
  void theOnlyArrayOfAnNpzFileIsNoOther(String asked, String there) throws IOException {
    Path file = folder.resolve("one.npz");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry(there + ".npy"));
      zip.write(npy("<f4", "(1, 2)", 1, 2));
    }
    assertEquals(file + " has no array " + asked + "; it has " + there,
        assertThrows(IOException.class, () -> NumpyFiles.latents(file, asked)).getMessage());
    Path none = Files.writeString(folder.resolve("none.npz"), "no zip file");
    assertTrue(assertThrows(IOException.class, () -> NumpyFiles.latents(none, "z")).getMessage()
        .contains("is no .npz file"));
  }

  /** What numpy.save writes of a transposed array, or one made with order='F'. */
  @Test
  void arraysInFortransOrderAreRead() throws IOException {
    Path flat = Files.write(folder.resolve("f2.npy"), npy("<f4", true, "(2, 3)", 1, 4, 2, 5, 3, 6));
    assertArrayEquals(new float[] {1, 2, 3}, NumpyFiles.latents(flat, "z").get(0));
    assertArrayEquals(new float[] {4, 5, 6}, NumpyFiles.latents(flat, "z").get(1));
    // np.arange(12).reshape(2, 3, 2) in order 'F'.
    Path deep = Files.write(folder.resolve("f3.npy"),
        npy("<f8", true, "(2, 3, 2)", 0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11));
    assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5}, NumpyFiles.latents(deep, "w").get(0));
    assertArrayEquals(new float[] {6, 7, 8, 9, 10, 11}, NumpyFiles.latents(deep, "w").get(1));
  }

  @ParameterizedTest
  @CsvSource(delimiter = ';', value = {"|O; (1, 2)", "<i8; (1, 2)", "<f4; (3, 2)", "<f4; (1, 2, 1, 1)", "<f4; (0, 2)", ">f4; (1, 2)"})
  void whatIsNoArrayOfLatentsIsRefused(String description, String shape) throws IOException {
    Path file = Files.write(folder.resolve("bad.npy"), npy(description, shape, 1, 2));
    String message = assertThrows(IOException.class, () -> NumpyFiles.latents(file, "w")).getMessage();
    assertTrue(message.contains("bad.npy") && !message.contains("descr"), message);
  }
}
