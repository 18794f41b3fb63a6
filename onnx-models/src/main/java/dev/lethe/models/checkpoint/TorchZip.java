package dev.lethe.models.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * What {@code torch.save} writes: a zip file with a pickle, {@code NAME/data.pkl}, and a file for each storage,
 * {@code NAME/data/KEY}, none of them compressed. Storages are read when they are needed; what is read of a file is
 * held against its checksum, as Python's {@code zipfile} does.
 */
final class TorchZip implements AutoCloseable {

  private static final String PICKLE = "/data.pkl";
  private static final int LARGEST_PICKLE = 256 << 20;

  private static final int CHUNK = 1 << 16;

  private final ZipFile zip;
  /** Files whose checksum was right: tensors that share one read it again and again. */
  private final Set<String> checked = new HashSet<>();

  private TorchZip(ZipFile zip) {
    this.zip = zip;
  }

  static TorchZip open(Path file) throws IOException {
    try {
      return new TorchZip(new ZipFile(file.toFile()));
    } catch (ZipException e) {
      throw new CheckpointException("it is a damaged zip file: " + e.getMessage(), e);
    }
  }

  Object read() throws IOException {
    List<? extends ZipEntry> pickles = Collections.list(zip.entries()).stream()
        .filter(entry -> entry.getName().endsWith(PICKLE)).toList();
    if (pickles.size() != 1) {
      throw new CheckpointException("it is a zip file with " + pickles.size() + " files data.pkl (expected: one, as "
          + "torch.save writes it)");
    }
    ZipEntry pickle = pickles.get(0);
    String root = pickle.getName().substring(0, pickle.getName().length() - PICKLE.length() + 1);
    ZipEntry order = zip.getEntry(root + "byteorder");
    if (order != null) {
      String name = StandardCharsets.US_ASCII.decode(bytes(order, 16)).toString().strip();
      if (!name.equals("little")) {
        throw new CheckpointException("its byte order is " + name + "; only little-endian files are read");
      }
    }
    ByteBuffer bytes = bytes(pickle, LARGEST_PICKLE);
    return Unpickler.read(bytes, KnownClasses.with((type, key, size) -> storage(root + "data/" + key, type, size)));
  }

  private Storage storage(String name, ElementType type, long size) throws CheckpointException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new CheckpointException("the pickle refers to " + name + ", which is not in the file");
    }
    if (size < 0 || size > Integer.MAX_VALUE / type.bytes() || entry.getSize() < size * type.bytes()) {
      throw new CheckpointException(name + " has " + entry.getSize() + " bytes; by the pickle it has " + size
          + " elements of type " + type);
    }
    return new Storage(type, size, () -> bytes(entry, (int) (size * type.bytes())));
  }

  /** Up to so many bytes of a file: no more are read, whatever it says of itself. */
  private ByteBuffer bytes(ZipEntry entry, int most) throws IOException {
    if (entry.getMethod() != ZipEntry.STORED) {
      throw new CheckpointException(entry.getName() + " is compressed; torch.save does not compress");
    }
    if (entry.getSize() > most && entry.getName().endsWith(PICKLE)) {
      throw new CheckpointException(entry.getName() + " has " + entry.getSize() + " bytes; no StyleGAN2 checkpoint has "
          + "more than " + most);
    }
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = in.readNBytes(most);
      // torch writes 0 where it was told to leave checksums out (torch.serialization.set_crc32_options).
      if (entry.getCrc() != 0 && checked.add(entry.getName())) {
        requireChecksum(entry, bytes, in);
      }
      return ByteBuffer.wrap(bytes);
    } catch (ZipException | EOFException e) {
      throw new CheckpointException(entry.getName() + " is damaged or cut short", e);
    }
  }

  /** @param rest of the file, after what was read of it */
  private static void requireChecksum(ZipEntry entry, byte[] read, InputStream rest) throws IOException {
    CRC32 sum = new CRC32();
    sum.update(read);
    byte[] chunk = new byte[CHUNK];
    for (int n = rest.read(chunk); n >= 0; n = rest.read(chunk)) {
      sum.update(chunk, 0, n);
    }
    if (sum.getValue() != entry.getCrc()) {
      throw new CheckpointException(String.format("%s is damaged: its CRC-32 is %08x, and by the zip file it is %08x; "
          + "take another copy of the file", entry.getName(), sum.getValue(), entry.getCrc()));
    }
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
