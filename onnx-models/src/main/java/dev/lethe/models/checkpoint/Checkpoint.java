package dev.lethe.models.checkpoint;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** A file of networks, open as long as its tensors are read. */
public final class Checkpoint implements AutoCloseable {

  /** Ways to keep networks in a file. */
  public enum Format {
    PICKLE("pickle"),
    TORCH_ZIP("torch.save, zip form"),
    TORCH_LEGACY("torch.save, legacy form"),
    SAFETENSORS("safetensors");

    private final String description;

    Format(String description) {
      this.description = description;
    }

    @Override
    public String toString() {
      return description;
    }
  }

  /** Bytes that tell what a file is. */
  private static final int START = 512;

  private final Format format;
  private final long size;
  private final Tree root;
  private final TorchZip zip;

  private Checkpoint(Format format, long size, Object root, TorchZip zip) {
    this.format = format;
    this.size = size;
    this.root = new Tree("", root);
    this.zip = zip;
  }

  /**
   * Reads all but the elements of tensors, for {@link StoredTensor#read}. Messages do not name the file: the caller,
   * who reads the tensors too, puts its name before all of them.
   *
   * @throws CheckpointException if it is of none of the formats, or damaged
   */
  public static Checkpoint open(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer start = ByteBuffer.allocate(START).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(start, 0);
      start.flip();
      if (size == 0) {
        throw new CheckpointException("it is empty");
      }
      if (isZip(start)) {
        return ofZip(file, size);
      }
      Optional<String> other = OtherFiles.known(start);
      if (other.isPresent()) {
        throw new CheckpointException("it is " + other.get() + " (" + OtherFiles.EXPECTED + ")");
      }
      if (size > Integer.MAX_VALUE) {
        throw new CheckpointException("it has " + size
            + " bytes; files of this form are read up to 2 GiB. Leave out what "
            + "is not needed, such as optimizers, or save it with a torch of today");
      }
      ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
      if (isSafetensors(start, size)) {
        return new Checkpoint(Format.SAFETENSORS, size, Safetensors.read(bytes), null);
      }
      Object first = first(bytes.duplicate(), start);
      return TorchLegacy.isMagic(first)
          ? new Checkpoint(Format.TORCH_LEGACY, size, TorchLegacy.read(bytes), null)
          : new Checkpoint(Format.PICKLE, size, first, null);
    } catch (BufferUnderflowException e) {
      throw new CheckpointException("it ends in the middle; the file is cut short or damaged", e);
    }
  }

  /** The first pickle of a file; the oldest protocol is text, and so is much that is no pickle. */
  private static Object first(ByteBuffer bytes, ByteBuffer start) throws CheckpointException {
    try {
      return Unpickler.read(bytes, KnownClasses.with(null));
    } catch (CheckpointException e) {
      if (OtherFiles.isText(start)) {
        throw new CheckpointException("it is text, and no checkpoint (" + OtherFiles.EXPECTED
            + "). Read as a pickle of protocol 0: " + e.getMessage(), e);
      }
      throw e;
    }
  }

  private static Checkpoint ofZip(Path file, long size) throws IOException {
    TorchZip zip = TorchZip.open(file);
    try {
      return new Checkpoint(Format.TORCH_ZIP, size, zip.read(), zip);
    } catch (IOException | RuntimeException e) {
      zip.close();
      throw e;
    }
  }

  private static boolean isZip(ByteBuffer start) {
    return start.remaining() >= 4 && start.getInt(0) == 0x04034b50;
  }

  private static boolean isSafetensors(ByteBuffer start, long size) {
    return start.remaining() > Long.BYTES && start.get(Long.BYTES) == '{' && start.getLong(0) > 0
        && start.getLong(0) <= Math.max(size, 1L << 32);
  }

  public Format format() {
    return format;
  }

  /** Bytes of the file. */
  public long size() {
    return size;
  }

  /** All that it holds. */
  public Tree root() {
    return root;
  }

  @Override
  public void close() throws IOException {
    if (zip != null) {
      zip.close();
    }
  }
}
