package dev.lethe.models.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code torch.save} wrote before version 1.6, and still writes on request: five pickles one after another, a
 * magic number, the version of the format, the machine, the object itself and the keys of its storages, then the
 * storages.
 */
final class TorchLegacy {

  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long PROTOCOL = 1001;
  /** Operations of a small pickle: all but the object's own, and all within another pickle. */
  private static final int FEW_OPERATIONS = 1000;

  private TorchLegacy() {}

  /** Whether the first pickle of a file is the magic number. */
  static boolean isMagic(Object first) {
    return MAGIC.equals(first);
  }

  /** The object of a file. */
  static Object read(ByteBuffer file) throws CheckpointException {
    return read(file, false);
  }

  /** The storage that a pickle has within it. */
  static Storage storage(ByteBuffer bytes) throws CheckpointException {
    if (read(bytes, true) instanceof Storage storage) {
      return storage;
    }
    throw new CheckpointException("a tensor's storage is something else");
  }

  private static Object read(ByteBuffer bytes, boolean nested) throws CheckpointException {
    ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    KnownClasses plain = KnownClasses.nestedWith(null);
    if (!isMagic(Unpickler.read(in, plain, FEW_OPERATIONS))) {
      throw new CheckpointException("a tensor's storage does not begin as torch writes them");
    }
    Object protocol = Unpickler.read(in, plain, FEW_OPERATIONS);
    if (!Long.valueOf(PROTOCOL).equals(protocol)) {
      throw new CheckpointException("it is of torch's protocol " + Tree.describe(protocol) + " (expected: " + PROTOCOL
          + ")");
    }
    Object machine = Unpickler.read(in, plain, FEW_OPERATIONS);
    if (machine instanceof Map<?, ?> facts && Boolean.FALSE.equals(facts.get("little_endian"))) {
      throw new CheckpointException("it was written on a big-endian machine; only little-endian files are read");
    }
    Map<String, Pending> pending = new HashMap<>();
    KnownClasses.Storages storages = (type, key, size) -> Pending.of(pending, type, key, size);
    Object root = nested ? Unpickler.read(in, KnownClasses.nestedWith(storages), FEW_OPERATIONS)
        : Unpickler.read(in, KnownClasses.with(storages));
    Object keys = nested ? Unpickler.read(in, plain, FEW_OPERATIONS) : Unpickler.read(in, plain);
    if (!(keys instanceof List<?> list)) {
      throw new CheckpointException("the keys of its storages are " + Tree.describe(keys) + " (expected: a list)");
    }
    for (Object key : list) {
      Pending storage = pending.get(String.valueOf(key));
      if (storage == null) {
        throw new CheckpointException("nothing refers to the storage " + key);
      }
      storage.place(in);
    }
    for (Pending storage : pending.values()) {
      storage.requirePlaced();
    }
    return root;
  }

  /** A storage that is referred to before it comes. */
  private static final class Pending {
    private final String key;
    private final Storage storage;
    private ByteBuffer data;

    private Pending(String key, ElementType type, long size) {
      this.key = key;
      this.storage = new Storage(type, size, () -> data);
    }

    static Storage of(Map<String, Pending> all, ElementType type, String key, long size) throws CheckpointException {
      Pending known = all.computeIfAbsent(key, k -> new Pending(key, type, size));
      if (known.storage.type() != type || known.storage.size() != size || size < 0) {
        throw new CheckpointException("the storage " + key + " has " + size + " elements of type " + type + " here and "
            + known.storage.size() + " of type " + known.storage.type() + " elsewhere");
      }
      return known.storage;
    }

    void place(ByteBuffer in) throws CheckpointException {
      if (in.remaining() < Long.BYTES) {
        throw new CheckpointException("the storage " + key + " is not there; the file is cut short");
      }
      long size = in.getLong();
      long width = storage.type().bytes();
      if (size != storage.size()) {
        throw new CheckpointException("the storage " + key + " has " + size + " elements; by the pickle it has "
            + storage.size());
      }
      if (size > in.remaining() / width) {
        throw new CheckpointException("the storage " + key + " has " + size + " elements of " + width + " bytes each, "
            + BigInteger.valueOf(size).multiply(BigInteger.valueOf(width)) + " bytes, and " + in.remaining()
            + " bytes are left; the file is cut short");
      }
      data = in.slice(in.position(), (int) (size * width));
      in.position(in.position() + (int) (size * width));
    }

    void requirePlaced() throws CheckpointException {
      if (data == null) {
        throw new CheckpointException("the storage " + key + " is not there; the file is cut short");
      }
    }
  }
}
