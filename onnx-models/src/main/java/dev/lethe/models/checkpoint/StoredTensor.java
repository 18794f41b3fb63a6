package dev.lethe.models.checkpoint;

import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A tensor of a file, whose elements are read when they are asked for. */
public final class StoredTensor {

  private static final int MOST_DIMENSIONS = 8;

  private final Storage storage;
  private final long offset;
  private final long[] shape;
  private final long[] strides;

  private StoredTensor(Storage storage, long offset, long[] shape, long[] strides) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }

  /**
   * A view of a storage.
   *
   * @param offset element that the first one is
   * @param strides elements from one index of an axis to the next
   * @throws CheckpointException if it reaches beyond the storage, or has more elements than it
   */
  static StoredTensor view(Storage storage, long offset, long[] shape, long[] strides) throws CheckpointException {
    String what = "a tensor of shape " + Arrays.toString(shape) + " and strides " + Arrays.toString(strides);
    if (shape.length != strides.length || shape.length > MOST_DIMENSIONS || offset < 0) {
      throw new CheckpointException(what + " at " + offset + " makes no sense");
    }
    long size = 1;
    long last = offset;
    boolean empty = false;
    try {
      for (int i = 0; i < shape.length; i++) {
        if (shape[i] < 0 || strides[i] < 0) {
          throw new CheckpointException(what + " makes no sense");
        }
        empty |= shape[i] == 0;
        size = Math.multiplyExact(size, shape[i]);
        last = Math.addExact(last, Math.multiplyExact(Math.max(shape[i] - 1, 0), strides[i]));
      }
    } catch (ArithmeticException e) {
      throw new CheckpointException(what + " is larger than any storage", e);
    }
    if (!empty && (last >= storage.size() || size > storage.size())) {
      throw new CheckpointException(what + " at " + offset + " reaches beyond its storage of " + storage.size()
          + " elements");
    }
    return new StoredTensor(storage, offset, shape.clone(), strides.clone());
  }

  /** A whole storage, row-major. */
  static StoredTensor whole(Storage storage, long[] shape) throws CheckpointException {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = step;
      step = saturated(step, shape[i]);
    }
    return view(storage, 0, shape, strides);
  }

  /** A whole storage, the first axis innermost. */
  static StoredTensor wholeColumnMajor(Storage storage, long[] shape) throws CheckpointException {
    long[] strides = new long[shape.length];
    long step = 1;
    for (int i = 0; i < shape.length; i++) {
      strides[i] = step;
      step = saturated(step, shape[i]);
    }
    return view(storage, 0, shape, strides);
  }

  // The check of the view says what is wrong with a shape that overflows.
  private static long saturated(long step, long length) {
    long high = Math.multiplyHigh(step, Math.max(length, 1));
    long low = step * Math.max(length, 1);
    return high != 0 || low < 0 ? Long.MAX_VALUE : low;
  }

  public long[] shape() {
    return shape.clone();
  }

  public ElementType type() {
    return storage.type();
  }

  /** Number of elements. */
  public long size() {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /**
   * Its elements as floats, row-major.
   *
   * @throws CheckpointException if they are no floating-point numbers, or not there
   * @throws IOException if the file cannot be read
   */
  public Tensor read() throws IOException {
    if (!storage.type().isReal()) {
      throw new CheckpointException("has elements of type " + storage.type()
          + "; weights are floating-point numbers (F64, F32, F16 or BF16)");
    }
    ByteBuffer bytes = storage.bytes();
    int size = Math.toIntExact(size());
    float[] values = new float[size];
    int width = storage.type().bytes();
    long[] index = new long[shape.length];
    long at = offset;
    for (int i = 0; i < size; i++) {
      values[i] = storage.type().real(bytes, Math.toIntExact(at * width));
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        at += strides[axis];
        if (++index[axis] < shape[axis]) {
          break;
        }
        at -= strides[axis] * shape[axis];
        index[axis] = 0;
      }
    }
    return new Tensor(shape.clone(), values);
  }
}
