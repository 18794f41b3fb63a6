package dev.lethe.trainer.unlearning;

import dev.lethe.models.graph.Tensor;

/** Rows of tensors: their slices along the first axis. */
final class Rows {

  private Rows() {}

  /** The rows of the indices, in their order. */
  static Tensor of(Tensor tensor, int[] indices) {
    long[] shape = tensor.shape().clone();
    int size = tensor.data().length / (int) shape[0];
    shape[0] = indices.length;
    Tensor rows = Tensor.zeros(shape);
    for (int i = 0; i < indices.length; i++) {
      System.arraycopy(tensor.data(), indices[i] * size, rows.data(), i * size, size);
    }
    return rows;
  }

  /** Rows of 0 with a 1 where the label is, [N, classes]. */
  static Tensor oneHot(int[] labels, int classes) {
    Tensor rows = Tensor.zeros(labels.length, classes);
    for (int i = 0; i < labels.length; i++) {
      rows.data()[i * classes + labels[i]] = 1;
    }
    return rows;
  }
}
