package dev.lethe.models.stylegan2.imports;

import dev.lethe.models.checkpoint.StoredTensor;
import dev.lethe.models.graph.Shapes;
import dev.lethe.models.graph.Tensor;
import java.io.IOException;
import java.util.Arrays;

/** A parameter of a file on its way to ours: its elements are read, and laid out as ours, when they are asked for. */
interface Weight {

  long[] shape();

  Tensor read() throws IOException;

  static Weight of(StoredTensor tensor) {
    return of(tensor.shape(), tensor::read);
  }

  /** Something that is read when it is needed. */
  interface Reading {
    Tensor read() throws IOException;
  }

  static Weight of(long[] shape, Reading reading) {
    return new Weight() {
      @Override
      public long[] shape() {
        return shape.clone();
      }

      @Override
      public Tensor read() throws IOException {
        return reading.read();
      }
    };
  }

  /**
   * The same elements in another shape of the same size; a shape of another size is left for the check of all shapes.
   */
  default Weight reshaped(long... shape) {
    return Shapes.size(shape) != Shapes.size(shape()) ? this : of(shape, () -> new Tensor(shape, read().data()));
  }

  /** Without axes of length 1 before the last {@code rank} ones. */
  default Weight ofRank(int rank) {
    long[] shape = shape();
    int lead = shape.length - rank;
    boolean ones = lead > 0 && Arrays.stream(shape, 0, lead).allMatch(d -> d == 1);
    return ones ? reshaped(Arrays.copyOfRange(shape, lead, shape.length)) : this;
  }

  /** Result axis i is axis {@code axes[i]}; the same if it has another rank. */
  default Weight transposed(int... axes) {
    long[] from = shape();
    if (from.length != axes.length) {
      return this;
    }
    long[] to = Arrays.stream(axes).mapToLong(axis -> from[axis]).toArray();
    return of(to, () -> {
      float[] values = read().data();
      long[] strides = new long[from.length];
      long step = 1;
      for (int i = from.length - 1; i >= 0; i--) {
        strides[i] = step;
        step *= from[i];
      }
      float[] moved = new float[values.length];
      int[] index = new int[to.length];
      for (int i = 0; i < moved.length; i++) {
        int at = 0;
        for (int axis = 0; axis < to.length; axis++) {
          at += (int) (index[axis] * strides[axes[axis]]);
        }
        moved[i] = values[at];
        for (int axis = to.length - 1; axis >= 0 && ++index[axis] == to[axis]; axis--) {
          index[axis] = 0;
        }
      }
      return new Tensor(to, moved);
    });
  }

  /** The kernels of the last two axes, turned by 180 degrees. */
  default Weight turned() {
    long[] shape = shape();
    if (shape.length < 2) {
      return this;
    }
    int size = (int) (shape[shape.length - 1] * shape[shape.length - 2]);
    return of(shape, () -> {
      float[] values = read().data();
      float[] turned = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        turned[i] = values[i / size * size + size - 1 - i % size];
      }
      return new Tensor(shape, turned);
    });
  }

  /** Each element times a factor, plus a summand. */
  default Weight scaled(double factor, double summand) {
    if (factor == 1 && summand == 0) {
      return this;
    }
    return of(shape(), () -> {
      float[] values = read().data().clone();
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (values[i] * factor + summand);
      }
      return new Tensor(shape(), values);
    });
  }
}
