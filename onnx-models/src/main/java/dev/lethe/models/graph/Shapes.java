package dev.lethe.models.graph;

import java.util.Arrays;

/** Arithmetic on shapes. A dimension of {@link #FREE} is the batch of a serving graph, known at run time only. */
public final class Shapes {

  public static final long FREE = -1;

  private Shapes() {}

  public static boolean isStatic(long... shape) {
    return Arrays.stream(shape).noneMatch(d -> d == FREE);
  }

  /** Product of the dimensions. */
  public static long size(long... shape) {
    long size = 1;
    for (long d : shape) {
      if (d < 0) {
        throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " is not static");
      }
      size = Math.multiplyExact(size, d);
    }
    return size;
  }

  /** The shape that both operands are broadcast to (ONNX, multidirectional). */
  static long[] broadcast(long[] a, long[] b) {
    int rank = Math.max(a.length, b.length);
    long[] out = new long[rank];
    for (int i = 0; i < rank; i++) {
      long x = dimension(a, i - (rank - a.length));
      long y = dimension(b, i - (rank - b.length));
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException("shapes " + Arrays.toString(a) + " and " + Arrays.toString(b)
            + " do not broadcast");
      }
      out[i] = x == 1 ? y : x;
    }
    return out;
  }

  private static long dimension(long[] shape, int i) {
    return i < 0 ? 1 : shape[i];
  }
}
