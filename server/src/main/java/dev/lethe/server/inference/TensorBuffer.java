package dev.lethe.server.inference;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Floats outside the Java heap that ONNX Runtime reads and writes in place: [N, row], N up to a capacity. Used batch
 * after batch, and given back by {@link #close}, not by some later garbage collection.
 */
final class TensorBuffer implements AutoCloseable {

  private final ByteBuf memory;
  private final FloatBuffer values;
  private final long[] rowShape;
  private final int rowLength;
  /** By number of rows, less 1: made when first asked for. */
  private final OnnxTensor[] tensors;

  /** @param rowShape shape of a row */
  TensorBuffer(ByteBufAllocator allocator, int capacity, long... rowShape) {
    int length = 1;
    for (long dim : rowShape) {
      length = Math.multiplyExact(length, Math.toIntExact(dim));
    }
    int bytes = Math.multiplyExact(Math.multiplyExact(length, capacity), Float.BYTES);
    this.memory = allocator.directBuffer(bytes, bytes);
    this.values = memory.nioBuffer(0, bytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    this.rowShape = rowShape;
    this.rowLength = length;
    this.tensors = new OnnxTensor[capacity];
  }

  /** The floats of row {@code index}, to be read or written; valid until the next batch. */
  FloatBuffer row(int index) {
    return values.slice(index * rowLength, rowLength);
  }

  /** A tensor [n, row] of the first rows, in place; valid as long as this buffer, which closes it. */
  OnnxTensor tensor(OrtEnvironment environment, int n) throws OrtException {
    if (tensors[n - 1] == null) {
      long[] shape = new long[rowShape.length + 1];
      shape[0] = n;
      System.arraycopy(rowShape, 0, shape, 1, rowShape.length);
      tensors[n - 1] = OnnxTensor.createTensor(environment, values.slice(0, n * rowLength), shape);
    }
    return tensors[n - 1];
  }

  @Override
  public void close() {
    for (OnnxTensor tensor : tensors) {
      if (tensor != null) {
        tensor.close();
      }
    }
    memory.release();
  }
}
