package dev.lethe.client.numpy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads arrays of float32 and float64 of {@code .npy} and {@code .npz} files (NEP 1). Python's pickled arrays are refused. */
public final class NumpyFiles {

  private static final int LARGEST_BYTES = 64 << 20;
  private static final int MOST_NAMED = 8;
  private static final Pattern HEADER = Pattern.compile(
      "\\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \\(([0-9, ]*)\\),? *\\}\\s*");

  private NumpyFiles() {}

  /**
   * Latents of a file, one an image: of [N, D] N of D values; of [N, L, D] N of L D; of [D] one.
   *
   * @param name of the array in an .npz file; an .npy file has one, which has none
   * @throws IOException if the file has no such array, or it is none of latents, naming the file and what it has
   */
  public static List<float[]> latents(Path file, String name) throws IOException {
    byte[] npy = file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".npz") ? entry(file, name)
        : bounded(Files.newInputStream(file), file);
    return rows(npy, file);
  }

  private static byte[] entry(Path file, String name) throws IOException {
    List<String> names = new ArrayList<>();
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(file))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        if (entry.getName().equals(name + ".npy")) {
          return bounded(zip, file);
        }
        names.add(entry.getName().replaceFirst("\\.npy$", ""));
      }
    }
    if (names.isEmpty()) {
      throw new IOException(file + " is no .npz file, or has no array");
    }
    throw new IOException(file + " has no array " + name + "; it has "
        + String.join(", ", names.subList(0, Math.min(MOST_NAMED, names.size())))
        + (names.size() > MOST_NAMED ? " and " + (names.size() - MOST_NAMED) + " more" : ""));
  }

  private static byte[] bounded(InputStream in, Path file) throws IOException {
    byte[] bytes = in.readNBytes(LARGEST_BYTES + 1);
    if (bytes.length > LARGEST_BYTES) {
      throw new IOException(file + " has an array of more than " + (LARGEST_BYTES >> 20) + " MiB");
    }
    return bytes;
  }

  private static List<float[]> rows(byte[] npy, Path file) throws IOException {
    if (npy.length < 12 || npy[0] != (byte) 0x93 || !"NUMPY".equals(new String(npy, 1, 5, StandardCharsets.US_ASCII))) {
      throw new IOException(file + " is no file of NumPy's");
    }
    ByteBuffer in = ByteBuffer.wrap(npy).order(ByteOrder.LITTLE_ENDIAN);
    boolean old = npy[6] == 1;
    long length = old ? Short.toUnsignedInt(in.getShort(8)) : Integer.toUnsignedLong(in.getInt(8));
    int from = old ? 10 : 12;
    if (length > npy.length - from) {
      throw new IOException(file + " is cut off");
    }
    String header = new String(npy, from, (int) length, StandardCharsets.ISO_8859_1);
    Matcher matcher = HEADER.matcher(header);
    if (!matcher.matches()) {
      throw new IOException(file + " has records, or no header that is read; latents are plain arrays of float32 or"
          + " float64");
    }
    if (!matcher.group(1).matches("<f[48]")) {
      throw new IOException(file + " has elements of type " + matcher.group(1) + "; latents are float32 or float64,"
          + " little-endian: save them as array.astype('<f4')");
    }
    long[] shape = Arrays.stream(matcher.group(3).split(",")).map(String::strip).filter(d -> !d.isEmpty())
        .mapToLong(Long::parseLong).toArray();
    if (shape.length < 1 || shape.length > 3 || Arrays.stream(shape).anyMatch(d -> d < 1)) {
      throw new IOException(file + " has an array of " + Arrays.toString(shape) + "; latents are [N, D] or [N, L, D]");
    }
    int bytes = matcher.group(1).equals("<f8") ? 8 : 4;
    int n = shape.length == 1 ? 1 : Math.toIntExact(shape[0]);
    long width = shape.length == 1 ? shape[0] : shape.length == 2 ? shape[1] : Math.multiplyExact(shape[1], shape[2]);
    if (Math.multiplyExact(Math.multiplyExact(width, (long) n), (long) bytes) != npy.length - from - length) {
      throw new IOException(file + " has another size than its shape " + Arrays.toString(shape));
    }
    // Of all orders a row is [L, D], with L 1 of [N, D]; in Fortran's the first axis is the innermost.
    int last = Math.toIntExact(shape[shape.length - 1]);
    int layers = (int) width / last;
    boolean fortran = matcher.group(2).equals("True");
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      float[] row = new float[(int) width];
      for (int k = 0; k < row.length; k++) {
        int element = fortran ? i + n * (k / last + layers * (k % last)) : i * row.length + k;
        int at = from + (int) length + element * bytes;
        row[k] = bytes == 8 ? (float) in.getDouble(at) : in.getFloat(at);
      }
      rows.add(row);
    }
    return rows;
  }
}
