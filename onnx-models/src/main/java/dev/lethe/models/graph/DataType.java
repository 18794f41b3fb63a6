package dev.lethe.models.graph;

import ai.onnx.proto.OnnxMl.TensorProto;

/** Element types that our graphs use. */
public enum DataType {
  FLOAT(TensorProto.DataType.FLOAT),
  /** Half precision, which values are cast to and from; constants, parameters and {@link Tensor}s are never of it. */
  FLOAT16(TensorProto.DataType.FLOAT16),
  INT64(TensorProto.DataType.INT64),
  BOOL(TensorProto.DataType.BOOL);

  final TensorProto.DataType onnx;

  DataType(TensorProto.DataType onnx) {
    this.onnx = onnx;
  }
}
